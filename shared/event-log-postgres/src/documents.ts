import type { Document } from '@micromart/event-log/change-store';
import { textArray } from '@micromart/postgres/binary-array';
import type { Client, Pool } from '@micromart/postgres/pool';

/** A table `(id text primary key, version int, sequence bigint, state json)`. All reject with the database's error. */
export type Documents<State> = {
  read(id: string): Promise<Document<State> | undefined>;
  /** The documents that exist, by id. `client` may be a pool where nothing is locked. */
  load(client: Client | Pool, ids: readonly string[]): Promise<ReadonlyMap<string, Document<State>>>;
  /** The same, with their rows locked, in the order of their ids, until the transaction ends. */
  lock(client: Client, ids: readonly string[]): Promise<ReadonlyMap<string, Document<State>>>;
};

export function createDocuments<State>(pool: Pool, table: string): Documents<State> {
  async function find(
    client: Client | Pool,
    ids: readonly string[],
    { name, locking }: { name: string; locking: string },
  ): Promise<ReadonlyMap<string, Document<State>>> {
    const { rows } = await client.query<Document<State> & { id: string }>({
      name,
      text: `SELECT id, version, sequence, state FROM ${table} WHERE id = ANY ($1) ${locking}`,
      values: [textArray([...new Set(ids)])],
    });
    return new Map(rows.map((row) => [row.id, row]));
  }

  return {
    async read(id) {
      const { rows } = await pool.query<Document<State>>({
        name: `read_${table}`,
        text: `SELECT version, sequence, state FROM ${table} WHERE id = $1`,
        values: [id],
      });
      return rows[0];
    },
    load: (client, ids) => find(client, ids, { name: `load_${table}`, locking: '' }),
    lock: (client, ids) => find(client, ids, { name: `lock_${table}`, locking: 'ORDER BY id FOR UPDATE' }),
  };
}
