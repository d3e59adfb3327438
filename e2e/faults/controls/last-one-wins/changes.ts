/**
 * The control: a cart is read, changed and written whole, whatever has become of it meanwhile. All else is as in the
 * product: its events and its answer are written in the same transaction.
 */
import { randomUUID } from 'node:crypto';
import type { Document } from '@micromart/event-log/change-store';
import { foldBatch } from '@micromart/event-log/fold';
import type * as original from '@micromart/event-log-postgres/changes';
import { changed, createIdempotencyKeys } from '@micromart/event-log-postgres/idempotency-keys';
import { createWriter } from '@micromart/event-log-postgres/write';
import { inTransaction } from '@micromart/postgres/pool';

export function createPostgresChangeStore<State>(
  ...[pool, { table, log, columns }]: Parameters<typeof original.createPostgresChangeStore<State>>
): original.PostgresChangeStore<State> {
  const write = createWriter(table, columns);
  const keys = createIdempotencyKeys(pool, log.name);

  async function read(id: string): Promise<Document<State> | undefined> {
    const { rows } = await pool.query<Document<State>>(
      `SELECT version, sequence, state FROM ${table} WHERE id = $1`,
      [id],
    );
    return rows[0];
  }

  return {
    read,
    replay: keys.find as original.PostgresChangeStore<State>['replay'],
    async change(id, decide, options = {}) {
      const document = await read(id);
      const loaded = new Map(document ? [[id, document]] : []);
      const { rows, events, answers, decided } = foldBatch([{ id, decide, ...options }], loaded, {
        partitions: log.partitions,
        newId: randomUUID,
      });
      const [outcome] = decided;
      if (!outcome || 'error' in outcome) throw outcome?.error;
      const heads = await inTransaction(pool, async (client) => {
        const now = await client.query<{ version: number }>(
          `SELECT version FROM ${table} WHERE id = $1 FOR UPDATE`,
          [id],
        );
        const expected = now.rows[0]?.version ?? 0;
        return write(client, {
          rows: rows.map((row) => ({ ...row, expected })),
          events,
          answers,
          commit: randomUUID(),
        });
      });
      log.notifyAppended(events, heads!);
      return changed(log.name, outcome.answer, outcome.position, heads!) as never;
    },
    transact: () => Promise.reject(new Error('the control forgets nobody')),
    check: async () => ({ ok: true }),
    idle: async () => {},
    stop: () => {},
  };
}
