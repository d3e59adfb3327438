/**
 * What an operator does with parked events. The parked events of a key form a chain in order of sequence. Only the first can
 * be retried or discarded; then the others are applied after it, in order, until one fails again. An event whose malformed
 * envelope has no key is a chain of its own.
 *
 * All of this happens in one transaction that locks the partition's position. The follower needs the same lock to park
 * another event behind the chain. So either it parked that event before, and the event is released with the others, or it
 * finds no chain and applies the event: none is forgotten, and none is applied too early.
 */
import { problem } from '@micromart/http/problem';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import type { RecordAct } from '../acts/acts.ts';
import { lockPositions } from '../lock-positions.ts';
import { readChain } from './chain.ts';
import { PARKED_COLUMNS, type ParkedEvent, type ParkedState } from './parked-event.ts';
import { type Released, release, settle } from './release.ts';
import { createResolveMany, type ParkingDeps, type ResolvedMany, type Which } from './resolve-many.ts';

export type Parking = {
  /**
   * Applies an event again, and then those parked behind it; `by` names the operator. It is recorded in the transaction.
   * Throws a Problem: `not-found`, `conflict` when it is resolved already or an earlier event of its key is parked,
   * `unavailable` when it could not be applied for a reason that is not its own.
   */
  retry(id: string, by: string, record?: RecordAct): Promise<Released>;
  /** Gives an event up for good, keeps the record of it, and applies those parked behind it. Throws like `retry`. */
  discard(id: string, by: string, record?: RecordAct): Promise<Released>;
  /** Retries all chains that are named (resolve-many.ts). Throws `unavailable` like `retry`. */
  retryMany(which: Which, by: string, record?: RecordAct): Promise<ResolvedMany>;
  /** Discards their events, as long as those fail for the reason that is named, and applies the others. */
  discardMany(which: Which, by: string, record?: RecordAct): Promise<ResolvedMany>;
};

/** Events that are or were parked, in the order of parking, after the id `after`, at most `limit`. */
export async function listParked(
  pool: Pool,
  {
    subscriptions,
    state,
    after,
    limit,
  }: { subscriptions: readonly string[]; state: ParkedState; after: string; limit: number },
): Promise<ParkedEvent[]> {
  const { rows } = await pool.query<ParkedEvent>(
    `SELECT ${PARKED_COLUMNS} FROM parked_events
     WHERE subscription = ANY($1) AND state = $2 AND id > $3 ORDER BY parked_events.id LIMIT $4`,
    [subscriptions, state, after, limit],
  );
  return rows;
}

export function createParking<E>(deps: ParkingDeps<E>): Parking {
  const { pool, subscription, projection, applied, logger } = deps;
  const resolveMany = createResolveMany(deps);

  async function resolve(
    verdict: 'retried' | 'discarded',
    id: string,
    by: string,
    record?: RecordAct,
  ): Promise<Released> {
    const released = await inTransaction(pool, async (client) => {
      const chain = await lockChain(client, subscription, id);
      const [{ partition, sequence, key }] = chain as [ParkedEvent];
      if (verdict === 'discarded') await settle(client, chain[0]!, 'discarded', by);
      const result = await release(client, projection, verdict === 'discarded' ? chain.slice(1) : chain, by);
      await record?.(client, { subscription, partition, sequence, key, ...result });
      return result;
    });
    logger.info({ subscription, id, by, verdict, released }, 'parked event resolved');
    applied.notify();
    return released;
  }

  return {
    retry: (...request) => resolve('retried', ...request),
    discard: (...request) => resolve('discarded', ...request),
    retryMany: (...request) => resolveMany('retried', ...request),
    discardMany: (...request) => resolveMany('discarded', ...request),
  };
}

/** The chain that begins with this event; locks its partition's position. */
async function lockChain(client: Client, subscription: string, id: string): Promise<ParkedEvent[]> {
  const { rows: found } = await client.query<Pick<ParkedEvent, 'partition' | 'key'>>(
    'SELECT partition, key FROM parked_events WHERE id = $1 AND subscription = $2',
    [id, subscription],
  );
  const parkedAt = found[0];
  if (!parkedAt) throw problem('not-found', `${subscription} has no parked event ${id}.`);
  await lockPositions(client, [subscription], [parkedAt.partition]);
  const chain = await readChain(client, subscription, { id, ...parkedAt });
  if (!chain.some((parked) => parked.id === id))
    throw problem('conflict', `Event ${id} is no longer parked: it was retried or discarded.`);
  if (chain[0]!.id !== id)
    throw problem(
      'conflict',
      `Event ${id} waits behind event ${chain[0]!.id} of its key: resolve that one first.`,
    );
  return chain;
}
