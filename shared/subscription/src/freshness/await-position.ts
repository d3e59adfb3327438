/** Waits until a read model includes a position: what makes a client see its own write in another service's answer. */
import { formatPosition, type LogPosition, parsePosition } from '@micromart/events/position';
import { problem } from '@micromart/http/problem';
import { withGrace } from '@micromart/http/server/answer-signal';
import type { Pool } from '@micromart/postgres/pool';
import type { Applied } from './applied.ts';
import { type Inclusion, inclusionOf, type PartitionStanding } from './inclusion.ts';

export const MAX_WAIT_MS = 30_000;
/** Another instance may be the one that applies, and is not heard here. */
const POLL_MS = 100;
/** For how long a wait goes on when the service stops: longer than it takes another instance to take over. */
const STOPPING_GRACE_MS = 2_000;
const RETRY_BEHIND_S = 1;
/** Only an operator's hand helps, so there is no hurry. */
const RETRY_PARKED_S = 30;

/**
 * Comes back once the position is included. Throws a Problem: `not-yet-consistent` when it is not by then, `parked` at
 * once where something at or below it is parked, `conflict` for another log, `invalid` for what is no position here.
 */
export type AwaitPosition = (position: string, waitMs: number, signal: AbortSignal) => Promise<void>;

export function createAwaitPosition({
  pool,
  subscriptions,
  applied,
}: {
  pool: Pool;
  /** The names of the subscriptions that feed what is being read. */
  subscriptions: () => readonly string[];
  applied: Applied;
}): AwaitPosition {
  let looking: Promise<PartitionStanding[]> | undefined;

  /** One look serves all who ask before it is sent off: any number may wait. */
  const look = (): Promise<PartitionStanding[]> => {
    looking ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      looking = undefined;
      return readStandings(pool, subscriptions());
    });
    return looking;
  };

  /** Comes back when this process has applied the places, or has not until then. */
  async function appliedHere(
    places: readonly LogPosition[],
    untilMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    let leftMs = untilMs - performance.now();
    while (!applied.includes(places) && leftMs > 0 && !signal.aborted) {
      await applied.next(signal, leftMs);
      leftMs = untilMs - performance.now();
    }
  }

  return async (position, waitMs, signal) => {
    const places = parsePosition(position);
    if (!places)
      throw problem(
        'invalid',
        'Consistent-With must be a position as a Position header gave it: cart-3f2a9c1e/7@1234.',
      );
    const deadline = performance.now() + Math.min(waitMs, MAX_WAIT_MS);
    const waiting = withGrace(signal, STOPPING_GRACE_MS);
    while (!applied.includes(places)) {
      const inclusion = inclusionOf(places, await look());
      if (inclusion.kind === 'included') return;
      const nowMs = performance.now();
      if (inclusion.kind !== 'behind' || nowMs >= deadline || waiting.aborted) throw refusal(inclusion);
      await appliedHere(places, Math.min(deadline, nowMs + POLL_MS), waiting);
    }
  };
}

const at = (place: LogPosition) => formatPosition([place]);

function refusal(inclusion: Exclude<Inclusion, { kind: 'included' }>): Error {
  switch (inclusion.kind) {
    case 'behind':
      return problem(
        'unavailable',
        `${at(inclusion.place)} is not included yet: ${inclusion.events} events behind. Try again, or wait longer.`,
        { type: 'not-yet-consistent', retryAfterS: RETRY_BEHIND_S },
      );
    case 'parked':
      return problem(
        'unavailable',
        `An event at or below ${at(inclusion.place)} is parked until an operator retries or discards it.`,
        { type: 'parked', retryAfterS: RETRY_PARKED_S },
      );
    case 'other-log':
      return problem('conflict', `${at(inclusion.place)} is not a position in a log that is followed here.`);
    case 'no-such-partition':
      return problem('invalid', `${inclusion.place.log} has no partition ${inclusion.place.partition}.`);
  }
}

async function readStandings(pool: Pool, subscriptions: readonly string[]): Promise<PartitionStanding[]> {
  const { rows } = await pool.query<PartitionStanding>({
    name: 'standings',
    text: `SELECT s.log, p.partition, p.sequence, CASE WHEN p.parked > 0 THEN (
             SELECT min(e.sequence) FROM parked_events e
             WHERE e.subscription = p.subscription AND e.partition = p.partition AND e.state = 'parked'
           ) END AS "firstParked"
           FROM unnest($1::text[]) AS wanted (name) LEFT JOIN subscriptions s USING (name)
           LEFT JOIN subscription_positions p ON p.subscription = s.name`,
    values: [subscriptions],
  });
  return rows;
}
