/** Events that one generation counts and another one does not, because an operator or a fault was in the way. */
import type { Client } from '@micromart/postgres/pool';

/** An event that one of two generations does not count. */
export type Exception = {
  readonly generation: string;
  readonly partition: number;
  readonly sequence: number;
  readonly reason: string;
};

/** Parked or discarded in one of the two alone: what explains rows that differ. Each list holds the first ones. */
export type Exceptions = {
  readonly parked: readonly Exception[];
  readonly discarded: readonly Exception[];
};

/**
 * An event that was discarded before the other generation was begun passes by there, and is counted in none. One that was
 * discarded since may have been counted there before, so it is listed.
 */
export async function readExceptions(
  client: Client,
  [a, b]: readonly [string, string],
  limit: number,
): Promise<Exceptions> {
  const read = async (state: 'parked' | 'discarded'): Promise<Exception[]> => {
    const { rows } = await client.query<Exception>(
      `SELECT e.subscription AS generation, e.partition, e.sequence, e.reason
       FROM parked_events e JOIN subscriptions s ON s.name = e.subscription
       JOIN generations other ON other.name IN ($1, $2) AND other.name <> e.subscription
       JOIN subscriptions o ON o.name = other.name AND o.log = s.log
       WHERE e.subscription IN ($1, $2) AND e.state = $3
         AND NOT EXISTS (SELECT FROM parked_events there WHERE there.subscription = other.name
           AND there.partition = e.partition AND there.sequence = e.sequence AND there.state <> 'retried')
         AND (e.state = 'parked' OR e.resolved_at > other.requested_at)
       ORDER BY e.partition, e.sequence LIMIT $4`,
      [a, b, state, limit],
    );
    return rows;
  };
  return { parked: await read('parked'), discarded: await read('discarded') };
}
