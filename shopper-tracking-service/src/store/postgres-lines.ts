import type { Client } from '@micromart/postgres/pool';
import type { Statement } from '@micromart/postgres/statement';

/** What moves on the time from which on all closes say what was in the cart; undefined moves nothing. */
export const linesMissed = (completeFrom: number | undefined): readonly Statement[] =>
  completeFrom === undefined
    ? []
    : [
        {
          name: 'lines_missed',
          text: 'UPDATE lines_complete SET since = $1 WHERE since < $1',
          values: [new Date(completeFrom).toISOString()],
        },
      ];

/** That time, in milliseconds, as the client's snapshot has it; -Infinity where all closes say it. */
export async function linesFrom(client: Client): Promise<number> {
  const { rows } = await client.query<{ since: Date | number }>({
    name: 'lines_from',
    text: 'SELECT since FROM lines_complete',
  });
  return Number(rows[0]!.since);
}
