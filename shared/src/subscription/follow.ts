/**
 * What the leading instance does, for as long as it leads: five loops around one picture (line.ts), woken by one bell.
 * Each asks what there is for it to do, does it, or waits; each starts again after an error.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggedEvent } from '../contracts/envelope.ts';
import type { Pool } from '../postgres/pool.ts';
import type { Logger } from '../process/logger.ts';
import type { Bell } from './bell.ts';
import type { Control } from './control.ts';
import { createDrain } from './drain.ts';
import { createFill } from './fill.ts';
import { createHeadWatch } from './head-watch.ts';
import type { Limits } from './limits.ts';
import { createLine, type Line } from './line.ts';
import type { SubscriptionMeter } from './metrics.ts';
import type { Projection } from './projection.ts';
import { repeat } from './repeat.ts';
import type { EventSource, Transport } from './source.ts';
import { readStanding, writeNotes } from './standing.ts';

/** As-Of and heads are written down no more often than this. */
const NOTE_INTERVAL_MS = 100;

export type FollowDeps<E> = {
  readonly name: string;
  readonly pool: Pool;
  readonly source: EventSource;
  readonly transport: Transport | undefined;
  readonly projection: Projection<E>;
  readonly control: Control;
  /** Wakes the loops. */
  readonly bell: Bell;
  /** Tells others of a commit. */
  readonly applied: Bell;
  readonly meter: SubscriptionMeter;
  readonly logger: Logger;
  readonly limits: Limits;
};

/** Follows the source until the signal is aborted; comes back when what was in hand is finished. */
export async function follow<E>(deps: FollowDeps<E>, signal: AbortSignal): Promise<void> {
  const { name, pool, source, transport, projection, control, bell, applied, meter, logger, limits } = deps;
  await pool.query('INSERT INTO subscriptions (name) VALUES ($1) ON CONFLICT DO NOTHING', [name]);
  await control.refresh(pool);
  const line = createLine({ ...limits, graceMs: transport ? limits.graceMs : 0 });
  line.restart(await readStanding(pool, name), performance.now());

  const shared = { line, control, bell, signal };
  const loops: Record<string, () => Promise<void>> = {
    heads: createHeadWatch({
      ...shared,
      name,
      pool,
      source,
      waitS: limits.headWaitS,
      events: transport ? 0 : limits.newsEvents,
    }),
    feed: createFill({
      ...shared,
      source,
      pagesAtOnce: limits.pagesAtOnce,
      onFetched: ({ kind }) => transport && meter.healed(kind),
    }),
    apply: createDrain({
      ...shared,
      target: { pool, subscription: name, projection, parkedEvents: limits.parkedEvents },
      limits,
      applied,
      meter,
    }),
    notes: createNoting({ ...shared, name, pool, meter }),
  };
  if (transport) {
    const deliver = createDeliver({ ...shared, meter });
    loops.transport = () => transport.run({ deliver, signal });
  }

  const run = ([loop, step]: [string, () => Promise<void>]) =>
    repeat(step, {
      signal,
      onError: (err) => logger.warn({ err, subscription: name, loop }, 'following failed; trying again'),
    });
  await Promise.all(Object.entries(loops).map(run));
  meter.forget();
}

type Shared = { line: Line; control: Control; bell: Bell; signal: AbortSignal };

/** How a transport hands over: held back while there is no room, or nothing may be applied. */
function createDeliver({ line, control, bell, meter, signal }: Shared & { meter: SubscriptionMeter }) {
  return async (log: string, partition: number, events: readonly LoggedEvent[]): Promise<void> => {
    while (!signal.aborted && (line.log === undefined || !control.isActive() || !line.hasRoom(partition)))
      await bell.next(signal);
    if (signal.aborted || log !== line.log) return;
    const own = events.filter((event) => event.partition === partition);
    const fresh = line.accept(partition, own, performance.now());
    meter.duplicates(own.length - fresh);
    bell.ring();
  };
}

/** Writes down what was learnt of heads and freshness, also when no event comes. */
function createNoting({
  name,
  pool,
  line,
  bell,
  meter,
  signal,
}: Shared & { name: string; pool: Pool; meter: SubscriptionMeter }) {
  const parked = new Map<number, number>();
  return async () => {
    const notes = line.notes();
    if (notes.length === 0) return bell.next(signal);
    for (const [partition, count] of await writeNotes(pool, name, notes)) parked.set(partition, count);
    const positions = line.positions();
    meter.standing({
      lag: sum([...line.heads()].map(([partition, head]) => head - positions.get(partition)!)),
      parked: sum([...parked.values()]),
    });
    await sleep(NOTE_INTERVAL_MS, undefined, { signal });
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
