/** The status of a service's subscriptions, read from their database, so that every instance answers the same. */
import type { Check } from '@micromart/http/health';
import type { Pool } from '@micromart/postgres/pool';
import { WAITING_SHOWN_S } from './apply/waiting-record.ts';
import type { StopReason } from './control.ts';
import type { Subscription } from './subscription.ts';

export type PartitionStatus = {
  readonly partition: number;
  readonly position: number;
  readonly head: number;
  readonly lagEvents: number;
  /** The age of As-Of in milliseconds; null until there is one. */
  readonly lagMs: number | null;
  readonly asOf: Date | null;
  readonly parked: number;
  readonly state: 'current' | 'behind';
};

export type SubscriptionStatus = {
  readonly name: string;
  readonly log: string | null;
  readonly paused: boolean;
  readonly stopped: StopReason | null;
  readonly stoppedDetail: string | null;
  /** Why it makes no progress, as an instance wrote a moment ago: for operators, and for everybody. */
  readonly waiting: string | null;
  readonly waitingPublic: string | null;
  readonly partitions: readonly PartitionStatus[];
};

type Row = Omit<SubscriptionStatus, 'partitions'> & {
  partition: number | null;
  position: number;
  head: number;
  asOf: Date | null;
  lagMs: number | null;
  parked: number;
};

/** The status of these subscriptions; one that has never run is missing from the result. */
export async function readStatus(pool: Pool, names: readonly string[]): Promise<SubscriptionStatus[]> {
  const { rows } = await pool.query<Row>(
    `SELECT s.name, s.log, s.paused, s.stopped, s.stopped_detail AS "stoppedDetail", p.partition,
       CASE WHEN s.waiting_at > now() - make_interval(secs => $2) THEN s.waiting END AS waiting,
       CASE WHEN s.waiting_at > now() - make_interval(secs => $2) THEN s.waiting_public END AS "waitingPublic",
       p.sequence AS position, p.head, p.parked, p.as_of AS "asOf",
       round(1000 * extract(epoch FROM GREATEST(clock_timestamp(), p.as_of) - p.as_of))::bigint AS "lagMs"
     FROM subscriptions s LEFT JOIN subscription_positions p ON p.subscription = s.name
     WHERE s.name = ANY($1) ORDER BY s.name, p.partition`,
    [names, WAITING_SHOWN_S],
  );
  return [...Map.groupBy(rows, ({ name }) => name).values()].map(toStatus);
}

function toStatus(rows: readonly Row[]): SubscriptionStatus {
  const { name, log, paused, stopped, stoppedDetail, waiting, waitingPublic } = rows[0]!;
  const partitions = rows.flatMap(({ partition, position, head, lagMs, asOf, parked }) => {
    if (partition === null) return [];
    const lagEvents = head - position;
    const state = lagEvents > 0 ? ('behind' as const) : ('current' as const);
    return [{ partition, position, head, lagEvents, lagMs, asOf, parked, state }];
  });
  return { name, log, paused, stopped, stoppedDetail, waiting, waitingPublic, partitions };
}

/**
 * Two checks for the readiness of a service. It is not ready before its subscription has reached its source once, because its
 * zeros would be wrong. Everything else (a lag, a pause, a stop, an unavailable owner, a full disk) only makes it degraded: it
 * can still answer.
 */
export function createSubscriptionChecks({
  pool,
  subscription: { name, waiting },
  live = () => name,
  maxLagMs,
}: {
  pool: Pool;
  subscription: Pick<Subscription, 'name' | 'waiting'>;
  /** The name of the subscription that is meant, where it is a read model with generations. */
  live?: () => string;
  maxLagMs: number;
}): [source: Check, following: Check] {
  const read = async () => (await readStatus(pool, [live()]))[0];
  return [
    {
      name: `source of ${name}`,
      async check() {
        const status = await read();
        return status?.partitions.length ? { ok: true } : { ok: false, detail: NEVER_REACHED };
      },
    },
    {
      name: `subscription ${name}`,
      optional: true,
      async check() {
        const status = await read();
        return readinessOf(status, { maxLagMs, waiting: waiting()?.publicReason ?? status?.waitingPublic });
      },
    },
  ];
}

const NEVER_REACHED = 'has not reached its source yet';

function readinessOf(
  status: SubscriptionStatus | undefined,
  { maxLagMs, waiting }: { maxLagMs: number; waiting: string | null | undefined },
): { ok: boolean; detail?: string } {
  if (status?.stopped) return { ok: false, detail: `stopped, ${status.stopped}: ${status.stoppedDetail}` };
  if (waiting) return { ok: false, detail: `waits: ${waiting}` };
  if (!status || status.partitions.length === 0) return { ok: false, detail: NEVER_REACHED };
  if (status.paused) return { ok: false, detail: 'paused by an operator' };
  const unknown = status.partitions.find(({ lagMs }) => lagMs === null);
  if (unknown) return { ok: false, detail: `partition ${unknown.partition} has not caught up yet` };
  const worst = status.partitions.reduce((a, b) => (b.lagMs! > a.lagMs! ? b : a));
  const parked = status.partitions.reduce((sum, one) => sum + one.parked, 0);
  if (worst.lagMs! <= maxLagMs)
    return parked === 0 ? { ok: true } : { ok: true, detail: `${parked} events parked` };
  return { ok: false, detail: `partition ${worst.partition} is ${worst.lagMs} ms behind` };
}
