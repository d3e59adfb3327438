/** Gives up, in every generation, what was given up in one of them. */
import { Problem } from '@micromart/http/problem';
import type { Pool } from '@micromart/postgres/pool';
import type { Parking } from '../dead-letters/parked-events.ts';

const MAX_AT_ONCE = 100;
/** Who is recorded to have discarded it here: whoever did so there is recorded there. */
const BY = 'discarded in another generation';

/** Discards what this generation has parked although it is discarded already, a hundred at most. */
export async function settleDiscards(
  pool: Pool,
  { name, parking }: { readonly name: string; readonly parking: Parking },
): Promise<void> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT e.id::text FROM parked_events e JOIN subscriptions s ON s.name = e.subscription
     JOIN generations g ON g.name = s.name
     JOIN discarded_events d ON (d.model, d.log, d.partition, d.sequence) = (g.model, s.log, e.partition, e.sequence)
     WHERE e.subscription = $1 AND e.state = 'parked' ORDER BY e.sequence LIMIT $2`,
    [name, MAX_AT_ONCE],
  );
  for (const { id } of rows)
    await parking.discard(id, BY).catch((error) => {
      // It waits behind an earlier one of its key.
      if (!(error instanceof Problem && error.code === 'conflict')) throw error;
    });
}
