/**
 * What an operator does with parked events. The parked events of a key form a chain in order of sequence. Only the first can
 * be retried or discarded; then the others are applied after it, in order, until one fails again. An event whose malformed
 * envelope has no key is a chain of its own.
 *
 * All of this happens in one transaction that locks the partition's position. The follower needs the same lock to park
 * another event behind the chain. So either it parked that event before, and the event is released with the others, or it
 * finds no chain and applies the event: none is forgotten, and none is applied too early.
 */
import { isMalformed, readEvent } from '@micromart/events/envelope';
import { problem } from '@micromart/http/problem';
import { isUnavailable } from '@micromart/postgres/failure';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import type { Logger } from '@micromart/process/logger';
import { EventFault, handling } from '../apply/event-fault.ts';
import type { Notifier } from '../notifier.ts';
import type { Projection } from '../projection.ts';

export type ParkedState = 'parked' | 'retried' | 'discarded';

export type ParkedEvent = {
  readonly id: string;
  readonly subscription: string;
  readonly partition: number;
  readonly sequence: number;
  readonly key: string;
  /** As it was received; it need not be a valid event. */
  readonly event: unknown;
  readonly reason: string;
  readonly attempts: number;
  readonly state: ParkedState;
  readonly parkedAt: Date;
  readonly resolvedAt: Date | null;
  readonly resolvedBy: string | null;
};

/** The result: how many events were applied, how many of the key are still parked, and why the first of these failed. */
export type Released = { readonly applied: number; readonly parked: number; readonly reason: string | null };

export type Parking = {
  /**
   * Applies an event again, and then those parked behind it; `by` names the operator. Throws a Problem: `not-found`,
   * `conflict` when it is resolved already or an earlier event of its key is parked, `unavailable` when it could not be
   * applied for a reason that is not its own.
   */
  retry(id: string, by: string): Promise<Released>;
  /** Gives an event up for good, keeps the record of it, and applies those parked behind it. Throws like `retry`. */
  discard(id: string, by: string): Promise<Released>;
};

const COLUMNS = `id::text, subscription, partition, sequence, key, event, reason, attempts, state,
  parked_at AS "parkedAt", resolved_at AS "resolvedAt", resolved_by AS "resolvedBy"`;

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
    `SELECT ${COLUMNS} FROM parked_events
     WHERE subscription = ANY($1) AND state = $2 AND id > $3 ORDER BY parked_events.id LIMIT $4`,
    [subscriptions, state, after, limit],
  );
  return rows;
}

export function createParking<E>({
  pool,
  subscription,
  projection,
  applied,
  logger,
}: {
  pool: Pool;
  subscription: string;
  projection: Projection<E>;
  applied: Notifier;
  logger: Logger;
}): Parking {
  async function resolve(id: string, by: string, verdict: 'retried' | 'discarded'): Promise<Released> {
    const released = await inTransaction(pool, async (client) => {
      const chain = await lockChain(client, subscription, id);
      if (verdict === 'discarded') await settle(client, chain[0]!, 'discarded', by);
      return release(client, verdict === 'discarded' ? chain.slice(1) : chain, by);
    });
    logger.info({ subscription, id, by, verdict, released }, 'parked event resolved');
    applied.notify();
    return released;
  }

  /** Applies a chain in order, one event at a time, until one is at fault. */
  async function release(client: Client, chain: readonly ParkedEvent[], by: string): Promise<Released> {
    for (const [i, parked] of chain.entries()) {
      const reason = await tryToApply(client, parked.event);
      if (reason !== undefined) {
        await client.query('UPDATE parked_events SET reason = $2, attempts = attempts + 1 WHERE id = $1', [
          parked.id,
          reason,
        ]);
        return { applied: i, parked: chain.length - i, reason };
      }
      await settle(client, parked, 'retried', by);
    }
    return { applied: chain.length, parked: 0, reason: null };
  }

  /** Returns why the event could not be applied, with nothing of it written; undefined on success. Throws when it is not at fault. */
  async function tryToApply(client: Client, raw: unknown): Promise<string | undefined> {
    await client.query('SAVEPOINT one');
    try {
      await handling(async () => {
        const event = readEvent(raw);
        if (isMalformed(event)) throw new Error(event.fault);
        const parsed = projection.parse(event);
        if (parsed !== undefined) await executeAll(client, projection.effects([parsed]));
      });
    } catch (error) {
      if (!(error instanceof EventFault)) throw isUnavailable(error) ? error : notAtFault(error);
      await client.query('ROLLBACK TO SAVEPOINT one');
      return error.message;
    }
    await client.query('RELEASE SAVEPOINT one');
    return undefined;
  }

  return {
    retry: (id, by) => resolve(id, by, 'retried'),
    discard: (id, by) => resolve(id, by, 'discarded'),
  };
}

const notAtFault = (cause: unknown): Error =>
  Object.assign(
    problem(
      'unavailable',
      'It could not be applied, for a reason that is not its own, and stays parked; try again later.',
    ),
    { cause },
  );

/** The chain that begins with this event; locks its partition's position. */
async function lockChain(client: Client, subscription: string, id: string): Promise<ParkedEvent[]> {
  const { rows: found } = await client.query<Pick<ParkedEvent, 'partition' | 'key'>>(
    'SELECT partition, key FROM parked_events WHERE id = $1 AND subscription = $2',
    [id, subscription],
  );
  const parkedAt = found[0];
  if (!parkedAt) throw problem('not-found', `${subscription} has no parked event ${id}.`);
  await client.query(
    'SELECT 1 FROM subscription_positions WHERE subscription = $1 AND partition = $2 FOR UPDATE',
    [subscription, parkedAt.partition],
  );
  const { rows: chain } = await client.query<ParkedEvent>(
    `SELECT ${COLUMNS} FROM parked_events
     WHERE subscription = $1 AND partition = $2 AND key = $3 AND (key <> '' OR id = $4) AND state = 'parked' ORDER BY sequence`,
    [subscription, parkedAt.partition, parkedAt.key, id],
  );
  if (!chain.some((parked) => parked.id === id))
    throw problem('conflict', `Event ${id} is no longer parked: it was retried or discarded.`);
  if (chain[0]!.id !== id)
    throw problem(
      'conflict',
      `Event ${id} waits behind event ${chain[0]!.id} of its key: resolve that one first.`,
    );
  return chain;
}

/** Marks an event of a chain as resolved. */
async function settle(
  client: Client,
  { id, subscription, partition }: ParkedEvent,
  state: ParkedState,
  by: string,
): Promise<void> {
  await client.query(
    'UPDATE parked_events SET state = $2, resolved_at = now(), resolved_by = $3 WHERE id = $1',
    [id, state, by],
  );
  await client.query(
    'UPDATE subscription_positions SET parked = parked - 1 WHERE subscription = $1 AND partition = $2',
    [subscription, partition],
  );
}
