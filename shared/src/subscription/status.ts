/** How a service's subscriptions are doing, as their database says; so every instance answers the same. */
import type { Check } from '../http/health.ts';
import type { Pool } from '../postgres/pool.ts';
import type { StopReason } from './control.ts';

export type PartitionStatus = {
  readonly partition: number;
  readonly position: number;
  readonly head: number;
  readonly lagEvents: number;
  /** How long ago everything was known to be included; null until it was. */
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

/** The status of these subscriptions; one that has never run is not among them. */
export async function readStatus(pool: Pool, names: readonly string[]): Promise<SubscriptionStatus[]> {
  const { rows } = await pool.query<Row>(
    `SELECT s.name, s.log, s.paused, s.stopped, s.stopped_detail AS "stoppedDetail", p.partition,
       p.sequence AS position, p.head, p.parked, p.as_of AS "asOf",
       round(1000 * extract(epoch FROM GREATEST(clock_timestamp(), p.as_of) - p.as_of))::bigint AS "lagMs"
     FROM subscriptions s LEFT JOIN subscription_positions p ON p.subscription = s.name
     WHERE s.name = ANY($1) ORDER BY s.name, p.partition`,
    [names],
  );
  return [...Map.groupBy(rows, ({ name }) => name).values()].map(toStatus);
}

function toStatus(rows: readonly Row[]): SubscriptionStatus {
  const { name, log, paused, stopped, stoppedDetail } = rows[0]!;
  const partitions = rows.flatMap(({ partition, position, head, lagMs, asOf, parked }) => {
    if (partition === null) return [];
    const lagEvents = head - position;
    const state = lagEvents > 0 ? ('behind' as const) : ('current' as const);
    return [{ partition, position, head, lagEvents, lagMs, asOf, parked, state }];
  });
  return { name, log, paused, stopped, stoppedDetail, partitions };
}

/** For the readiness of a service: whether a subscription keeps up, by the As-Of that is stored. */
export function createLagCheck({
  pool,
  name,
  maxLagMs,
}: {
  pool: Pool;
  name: string;
  maxLagMs: number;
}): Check {
  return {
    name: `subscription ${name}`,
    async check() {
      const [status] = await readStatus(pool, [name]);
      return judge(status, maxLagMs);
    },
  };
}

/** A pause shows only by its lag: whoever paused it knows, and the answers stay true for a while. */
function judge(status: SubscriptionStatus | undefined, maxLagMs: number): { ok: boolean; detail?: string } {
  if (!status || status.partitions.length === 0)
    return { ok: false, detail: 'has not reached its source yet' };
  if (status.stopped) return { ok: false, detail: `stopped, ${status.stopped}: ${status.stoppedDetail}` };
  const unknown = status.partitions.find(({ lagMs }) => lagMs === null);
  if (unknown) return { ok: false, detail: `partition ${unknown.partition} has not caught up yet` };
  const worst = status.partitions.reduce((a, b) => (b.lagMs! > a.lagMs! ? b : a));
  const parked = status.partitions.reduce((sum, one) => sum + one.parked, 0);
  if (worst.lagMs! <= maxLagMs)
    return parked === 0 ? { ok: true } : { ok: true, detail: `${parked} events parked` };
  const why = status.paused ? ', paused by an operator' : '';
  return { ok: false, detail: `partition ${worst.partition} is ${worst.lagMs} ms behind${why}` };
}
