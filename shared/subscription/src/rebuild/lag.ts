/** Where generations stand, told from their positions. */
import type { Client, Pool } from '@micromart/postgres/pool';

export type Lag = {
  readonly log: string | null;
  readonly stopped: string | null;
  /** Why it does not go on, as far as anybody said so a moment ago. */
  readonly waiting: string | null;
  /** Partitions that it knows of. */
  readonly partitions: number;
  /** Events up to its positions, and up to the heads that it knows. */
  readonly applied: number;
  readonly total: number;
  /** Whether every partition has reached its head once. */
  readonly hasReached: boolean;
  readonly paused: boolean;
};

export async function lagOf(client: Client | Pool, generation: string): Promise<Lag> {
  const { rows } = await client.query<Lag>(
    `SELECT s.log, s.stopped, s.paused, CASE WHEN s.waiting_at > now() - interval '10 s' THEN s.waiting END AS waiting,
       count(p.partition) AS partitions, COALESCE(sum(p.sequence), 0)::bigint AS applied,
       COALESCE(sum(p.head), 0)::bigint AS total, COALESCE(bool_and(p.as_of IS NOT NULL), false) AS "hasReached"
     FROM subscriptions s LEFT JOIN subscription_positions p ON p.subscription = s.name
     WHERE s.name = $1 GROUP BY s.name`,
    [generation],
  );
  return rows[0] ?? NOWHERE;
}

const NOWHERE: Lag = {
  log: null,
  stopped: null,
  waiting: null,
  partitions: 0,
  applied: 0,
  total: 0,
  hasReached: false,
  paused: false,
};

/** So few events behind the heads that it catches up while others wait for it. */
const CLOSE_EVENTS = 5_000;

export const hasCaughtUp = ({ hasReached, total, applied }: Lag): boolean =>
  hasReached && total - applied <= CLOSE_EVENTS;

/**
 * Why two generations cannot stand at the same positions, nor one go on where the other stopped: they count other events.
 * Undefined when they can.
 */
export function otherHistory(live: Lag, other: Lag): string | undefined {
  if (live.stopped === 'source-replaced')
    return 'the live generation stopped because its source was replaced, so they count different events';
  if (live.log !== null && live.log !== other.log)
    return `the live generation counts ${live.log}, the other one ${other.log}`;
  return undefined;
}
