/** Waits until a read model includes a position, so that a client sees its own write in another service's answer. */
import { formatPosition, type LogPosition, parsePosition } from '@micromart/events/position';
import { problem } from '@micromart/http/problem';
import { withGrace } from '@micromart/http/server/answer-signal';
import type { Pool } from '@micromart/postgres/pool';
import type { Applied } from './applied.ts';
import { type Inclusion, inclusionOf, type PartitionProgress } from './inclusion.ts';

export const MAX_WAIT_MS = 30_000;
/** Another instance may apply the events, and its commits do not notify this process. */
const POLL_MS = 100;
/** How long a wait continues when the service stops: longer than another instance needs to take over. */
const STOPPING_GRACE_MS = 2_000;
const RETRY_BEHIND_S = 1;
/** Only an operator can resolve it, so clients need not hurry. */
const RETRY_PARKED_S = 30;

/**
 * Resolves once the position (as a Position header gives it) is included. `waitMs` is cut to `MAX_WAIT_MS`. Throws a
 * Problem: `not-yet-consistent` when the wait is over, `parked` at once when an event at or below the position is parked,
 * `conflict` for another log, `invalid` for a text that is no position or a partition that the log does not have.
 */
export type AwaitPosition = (position: string, waitMs: number, signal: AbortSignal) => Promise<void>;

export function createAwaitPosition({
  pool,
  subscriptions,
  applied,
}: {
  pool: Pool;
  /** The names of the read models, or of the subscriptions, that feed what is being read. */
  subscriptions: () => readonly string[];
  applied: Applied;
}): AwaitPosition {
  let nextRead: Promise<PartitionProgress[]> | undefined;

  /** One query serves all requests that ask before it is sent, because any number of them may wait. */
  const readShared = (): Promise<PartitionProgress[]> => {
    nextRead ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      nextRead = undefined;
      return readProgress(pool, subscriptions());
    });
    return nextRead;
  };

  /** Resolves when this process has applied the positions, at `untilMs`, or when the signal is aborted. */
  async function appliedHere(
    positions: readonly LogPosition[],
    untilMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    let leftMs = untilMs - performance.now();
    while (!applied.includes(positions) && leftMs > 0 && !signal.aborted) {
      await applied.next(signal, leftMs);
      leftMs = untilMs - performance.now();
    }
  }

  return async (position, waitMs, signal) => {
    const positions = parsePosition(position);
    if (!positions)
      throw problem(
        'invalid',
        'Consistent-With must be a position as a Position header gave it: cart-3f2a9c1e/7@1234.',
      );
    const deadline = performance.now() + Math.min(waitMs, MAX_WAIT_MS);
    const waiting = withGrace(signal, STOPPING_GRACE_MS);
    while (!applied.includes(positions)) {
      const inclusion = inclusionOf(positions, await readShared());
      if (inclusion.kind === 'included') return;
      const nowMs = performance.now();
      if (inclusion.kind !== 'behind' || nowMs >= deadline || waiting.aborted) throw refusal(inclusion);
      await appliedHere(positions, Math.min(deadline, nowMs + POLL_MS), waiting);
    }
  };
}

const at = (position: LogPosition) => formatPosition([position]);

function refusal(inclusion: Exclude<Inclusion, { kind: 'included' }>): Error {
  switch (inclusion.kind) {
    case 'behind':
      return problem(
        'unavailable',
        `${at(inclusion.position)} is not included yet: ${inclusion.events} events behind. Try again, or wait longer.`,
        { type: 'not-yet-consistent', retryAfterS: RETRY_BEHIND_S },
      );
    case 'parked':
      return problem(
        'unavailable',
        `An event at or below ${at(inclusion.position)} is parked until an operator retries or discards it.`,
        { type: 'parked', retryAfterS: RETRY_PARKED_S },
      );
    case 'other-log':
      return problem(
        'conflict',
        `${at(inclusion.position)} is not a position in a log that is followed here.`,
      );
    case 'no-such-partition':
      return problem(
        'invalid',
        `${inclusion.position.log} has no partition ${inclusion.position.partition}.`,
      );
  }
}

async function readProgress(pool: Pool, subscriptions: readonly string[]): Promise<PartitionProgress[]> {
  const { rows } = await pool.query<PartitionProgress>({
    name: 'progress',
    text: `SELECT s.log, p.partition, p.sequence, CASE WHEN p.parked > 0 THEN (
             SELECT min(e.sequence) FROM parked_events e
             WHERE e.subscription = p.subscription AND e.partition = p.partition AND e.state = 'parked'
           ) END AS "firstParked"
           FROM unnest($1::text[]) AS wanted (model)
           LEFT JOIN generations g ON g.model = wanted.model AND g.live
           LEFT JOIN subscriptions s ON s.name = COALESCE(g.name, wanted.model)
           LEFT JOIN subscription_positions p ON p.subscription = s.name`,
    values: [subscriptions],
  });
  return rows;
}
