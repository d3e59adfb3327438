/** The parked events of one key, in order of sequence. An event without a key is a chain of its own. */
import type { Client } from '@micromart/postgres/pool';
import { PARKED_COLUMNS, type ParkedEvent } from './parked-event.ts';

/** One of its events, for example the first. */
export type InChain = Pick<ParkedEvent, 'id' | 'partition' | 'key'>;

/** What is parked of a chain now: at most `limit` events, or all. */
export async function readChain(
  client: Client,
  subscription: string,
  { id, partition, key }: InChain,
  limit?: number,
): Promise<ParkedEvent[]> {
  const { rows } = await client.query<ParkedEvent>(
    `SELECT ${PARKED_COLUMNS} FROM parked_events
     WHERE subscription = $1 AND partition = $2 AND key = $3 AND (key <> '' OR id = $4) AND state = 'parked'
     ORDER BY sequence LIMIT $5`,
    [subscription, partition, key, id, limit ?? null],
  );
  return rows;
}
