/**
 * An operator's hand on a parked event reaches all generations: what is retried or discarded in one is so in the others that
 * have it parked. Each does it in a transaction of its own. A discard that did not reach all of them is carried out later
 * (settle-discards.ts), for it is remembered; a retry is asked for again, for the event is still listed there.
 */
import { Problem } from '@micromart/http/problem';
import type { Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import type { RecordAct } from '../acts/acts.ts';
import type { Parking } from '../dead-letters/parked-events.ts';
import type { Released } from '../dead-letters/release.ts';
import type { ResolvedMany, Which } from '../dead-letters/resolve-many.ts';
import { settleDiscards } from './settle-discards.ts';

type Named = { readonly name: string; readonly parking: Parking };

/** The parking of `own` that also acts in `others`, as they are when it is asked. The act is recorded once. */
export function parkingInAll({
  pool,
  own,
  others,
  logger,
}: {
  pool: Pool;
  own: Named;
  others: () => readonly Named[];
  logger: Logger;
}): Parking {
  const inAll =
    (verb: 'retry' | 'discard') =>
    async (id: string, by: string, record?: RecordAct): Promise<Released> => {
      const released = await own.parking[verb](id, by, record);
      for (const other of others()) {
        const its = await sameEvent(pool, id, other.name);
        if (its === undefined) continue;
        await other.parking[verb](its, by).catch((err) => {
          // There it waits behind an earlier one of its key, or somebody else was faster.
          if (err instanceof Problem && err.code === 'conflict') return;
          logger.warn({ err, subscription: other.name, id: its }, `${verb} did not reach this generation`);
        });
      }
      return released;
    };

  async function inOthers(act: (other: Named) => Promise<unknown>): Promise<void> {
    for (const other of others())
      await act(other).catch((err) =>
        logger.warn({ err, subscription: other.name }, 'parked events were not resolved in this generation'),
      );
  }

  async function retryMany(which: Which, by: string, record?: RecordAct): Promise<ResolvedMany> {
    const resolved = await own.parking.retryMany(which, by, record);
    await inOthers((other) => other.parking.retryMany(which, by));
    return resolved;
  }

  /** In the others only what was discarded here: what is parked there alone may be counted here. */
  async function discardMany(which: Which, by: string, record?: RecordAct): Promise<ResolvedMany> {
    const resolved = await own.parking.discardMany(which, by, record);
    await inOthers((other) => settleDiscards(pool, other));
    return resolved;
  }

  return { retry: inAll('retry'), discard: inAll('discard'), retryMany, discardMany };
}

/** The same event where another generation of the same log has it parked. */
async function sameEvent(pool: Pool, id: string, generation: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT other.id::text FROM parked_events own JOIN subscriptions its ON its.name = own.subscription
     JOIN parked_events other USING (partition, sequence) JOIN subscriptions there ON there.name = other.subscription
     WHERE own.id = $1 AND other.subscription = $2 AND other.state = 'parked' AND there.log = its.log`,
    [id, generation],
  );
  return rows[0]?.id;
}
