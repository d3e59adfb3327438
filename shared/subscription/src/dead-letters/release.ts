/** Applies a chain of parked events, in a transaction that has locked the position of their partition. */
import { isMalformed, readEvent } from '@micromart/events/envelope';
import { problem } from '@micromart/http/problem';
import { isUnavailable } from '@micromart/postgres/failure';
import type { Client } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { EventFault, handling } from '../apply/event-fault.ts';
import type { Projection } from '../projection.ts';
import type { ParkedEvent, ParkedState } from './parked-event.ts';

/** The result: how many events were applied, how many of the key are still parked, and why the first of these failed. */
export type Released = { readonly applied: number; readonly parked: number; readonly reason: string | null };

/** Applies a chain in order, one event at a time, until one is at fault. Throws when something else is. */
export async function release<E>(
  client: Client,
  projection: Projection<E>,
  chain: readonly ParkedEvent[],
  by: string,
): Promise<Released> {
  for (const [i, parked] of chain.entries()) {
    const reason = await tryToApply(client, projection, parked.event);
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
async function tryToApply<E>(
  client: Client,
  projection: Projection<E>,
  raw: unknown,
): Promise<string | undefined> {
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

const notAtFault = (cause: unknown): Error =>
  Object.assign(
    problem(
      'unavailable',
      'It could not be applied, for a reason that is not its own, and stays parked; try again later.',
    ),
    { cause },
  );

/** Marks an event of a chain as resolved. */
export async function settle(
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
