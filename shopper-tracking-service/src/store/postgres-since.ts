import type { Client } from '@micromart/postgres/pool';

/** Tables of one row, which says from when on something is complete. */
type SinceTable = 'lines_complete' | 'quarters_complete';

/** That time, in milliseconds, as the client's snapshot has it; -Infinity where it is complete from the first event on. */
export async function readSince(client: Client, table: SinceTable): Promise<number> {
  const { rows } = await client.query<{ since: Date | number }>({
    name: table,
    text: `SELECT since FROM ${table}`,
  });
  return Number(rows[0]!.since);
}
