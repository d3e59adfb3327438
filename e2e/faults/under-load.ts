/** One run under load: faults in an order by seed, each after the system has recovered from the one before; then all is read. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createDraw, type Draw } from '@micromart/demo/draws';
import { collectCatalog } from './evidence/catalog.ts';
import { collect, readCarts } from './evidence/collect.ts';
import { type Evidence, NO_EVIDENCE, type Spared, type Stop } from './evidence/evidence.ts';
import type { Fault, Scene } from './faults/fault.ts';
import { FAULTS, type FaultName } from './faults.ts';
import type { Figures } from './figures.ts';
import { timesOf } from './judges/products.ts';
import { ORDER_PLANS } from './load/assortment.ts';
import type { History } from './load/history.ts';
import { startLoad } from './load/load.ts';
import { startMeters } from './load/meters.ts';
import { type Operating, startOperating } from './load/operating.ts';
import { startOrdering } from './load/ordering.ts';
import { watchSubscriptions } from './load/subscriptions.ts';
import { openSystem, type SystemOptions } from './system/system.ts';

/** How often each fault is made. */
export type Dose = Readonly<Partial<Record<FaultName, number>>>;

export type LoadScenario = Pick<
  SystemOptions,
  'sides' | 'furtherSides' | 'balanced' | 'brokers' | 'maxAgeS'
> & {
  readonly says: string;
  /** Whether shoppers come by the proxy, which can cut their replies. */
  readonly viaProxy?: boolean;
  /** How long each commit of tracking's database takes, so that most moments lie within one. */
  readonly slowCommitsMs?: number;
  /** What merchants order meanwhile; nothing unless given. */
  readonly orders?: keyof typeof ORDER_PLANS;
  /** Whether shoppers look at their carts all the time. */
  readonly watchCarts?: boolean;
  /** Events in the log before anything begins. */
  readonly prefilled?: number;
  /** How often an operator rebuilds the read model meanwhile. */
  readonly rebuilds?: number;
  /** Figures that must not be less. */
  readonly demands: Readonly<Record<string, number>>;
};

export type RunOptions = {
  readonly seed: number;
  /** Makes it a control. */
  readonly replaced?: SystemOptions['replaced'];
  readonly say: (line: string) => void;
};

const LEAST_PAUSE_MS = 50;
const MOST_PAUSE_MS = 700;

export async function runUnderLoad(
  {
    viaProxy = false,
    orders = 'none',
    watchCarts = false,
    prefilled = 0,
    rebuilds = 0,
    demands,
    ...scenario
  }: LoadScenario,
  dose: Dose,
  { seed, replaced, say }: RunOptions,
): Promise<Evidence> {
  const draw = createDraw(`faults ${seed}`);
  const system = await openSystem({ ...scenario, seed: String(seed), ...(replaced && { replaced }), say });
  try {
    const ordering = await startOrdering(system, { seed: String(seed), plan: ORDER_PLANS[orders] });
    const meters = startMeters(system.sides.map(({ trackingUrl }) => trackingUrl));
    const subscriptions = await watchSubscriptions(system);
    const isOver = () => subscriptions.stopped().length > 0;
    const load = await startLoad(system, { seed: String(seed), prefilled, viaProxy, watchCarts, isOver });
    const operating = await startOperating(system, { rebuilds, isOver });
    let struck: Awaited<ReturnType<typeof strikeAll>>;
    let operated: Awaited<ReturnType<Operating['finish']>>;
    try {
      await load.counted(Date.now());
      struck = await strikeAll(shuffled(dose, draw), { system, load, ordering, draw }, { say, isOver });
      if (rebuilds > 0) say('waiting for the rebuilds');
      operated = await operating.finish();
      if (!isOver()) await system.ready();
    } finally {
      await Promise.all([subscriptions.close(), meters.close(), load.stop(), ordering.rest()]);
    }
    if (isOver()) return endedEarly(subscriptions.stopped(), struck);
    const { history, glances } = await load.stop();
    say('waiting for the orders to be carried out');
    const ordered = await ordering.stop();
    say('reading the logs, the counters, the carts and the catalog');
    const { log, counters } = await collect(system);
    const carts = await readCarts(system, history.carts);
    const catalog = await collectCatalog(system, ordered);
    const { stops, spared, rolls, cuts, ...measured } = struck;
    const figures = {
      ...measured,
      counts: {
        ...measured.counts,
        ...meters.sums(),
        ...countHistory(history, log),
        ...countGlances(glances),
        ...countJobs(catalog),
        ...countRebuilds(operated),
      },
    };
    const { maxAgeS } = scenario;
    return {
      history,
      log,
      carts,
      counters,
      followers: [],
      stops,
      spared,
      rolls,
      cuts,
      stopped: [],
      glances,
      maxAgeS,
      catalog,
      compared: operated.compared,
      figures,
      demands,
    };
  } finally {
    await system.close();
  }
}

/** What is known of a run in which a subscription stopped: that. */
const endedEarly = (stopped: readonly string[], { counts, inFlight, timesMs }: Figures): Evidence => ({
  ...NO_EVIDENCE,
  stopped,
  figures: { counts, inFlight, timesMs },
});

const RECOVERIES = {
  counts: ({ load }: Scene, sinceMs: number) => load.counted(sinceMs),
  'counts everywhere': ({ load }: Scene, sinceMs: number) => load.countedEverywhere(sinceMs),
  'carries out orders': async ({ load, ordering }: Scene, sinceMs: number) => {
    await Promise.all([load.counted(sinceMs), ordering.carriedOut(sinceMs)]);
  },
} as const;

async function strikeAll(
  names: readonly FaultName[],
  scene: Scene,
  { say, isOver }: { say: (line: string) => void; isOver: () => boolean },
): Promise<Figures & Pick<Evidence, 'stops' | 'spared' | 'rolls' | 'cuts'>> {
  const counts: Record<string, number> = {};
  const inFlight: number[] = [];
  const timesMs: Record<string, number[]> = {};
  const stops: Stop[] = [];
  const spared: Spared[] = [];
  const rolls: Spared[] = [];
  const cuts: Spared[] = [];
  let withEmptyCopies = false;
  for (const [n, name] of names.entries()) {
    if (isOver()) break;
    await sleep(LEAST_PAUSE_MS + scene.draw(MOST_PAUSE_MS));
    const fault: Fault = FAULTS[name];
    const recovery = fault.recovery ?? 'counts';
    const fromMs = Date.now();
    const struck = await fault.strike(scene);
    await RECOVERIES[recovery](scene, fault.kills ? struck.atMs : Date.now());
    const tookMs = Date.now() - struck.atMs;
    await struck.repair?.();
    if (fault.sparesAll) rolls.push({ fault: name, fromMs, tillMs: Date.now() });
    if (fault.cutsCarts) cuts.push({ fault: name, fromMs, tillMs: Date.now() });
    if (fault.sparesWrites) spared.push({ fault: name, fromMs, tillMs: Date.now(), withEmptyCopies });
    withEmptyCopies ||= fault.cutsCarts ?? false;
    const took = (what: string, ms: number) => {
      timesMs[what] = [...(timesMs[what] ?? []), ms];
    };
    counts[fault.figure] = (counts[fault.figure] ?? 0) + 1;
    if (fault.kills) {
      inFlight.push(struck.inFlight);
      took(`${recovery} again, ${fault.kills} killed`, tookMs);
    }
    for (const stop of struck.stops ?? []) {
      stops.push(stop);
      took('gone after SIGTERM', stop.goneAtMs - stop.toldAtMs);
    }
    say(
      `${n + 1} of ${names.length}: ${name}, ${struck.inFlight} in flight, ${recovery} again after ${tookMs} ms`,
    );
  }
  return { counts, inFlight, timesMs, stops, spared, rolls, cuts };
}

/** The faults of a dose in an order by seed (Fisher and Yates). */
function shuffled(dose: Dose, draw: Draw): FaultName[] {
  const names = Object.entries(dose).flatMap(([name, times]) =>
    Array<FaultName>(times).fill(name as FaultName),
  );
  for (let n = names.length - 1; n > 0; n -= 1) {
    const other = draw(n + 1);
    [names[n], names[other]] = [names[other]!, names[n]!];
  }
  return names;
}

function countHistory({ changes, answers }: History, log: Evidence['log']): Record<string, number> {
  const attempts = changes.flatMap((change) => change.attempts);
  const ended = (kind: string) => attempts.filter(({ outcome }) => outcome.kind === kind).length;
  return {
    requests: attempts.length,
    'requests acknowledged': ended('acknowledged'),
    'requests refused': ended('refused'),
    'requests that ended unknown': ended('unknown'),
    'requests sent again': attempts.length - changes.length,
    'answers judged': answers.length,
    'events in the log': log.length,
    'carts closed': log.filter(({ kind }) => kind === 'close').length,
  };
}

function countGlances(glances: Evidence['glances']): Record<string, number> {
  if (glances.length === 0) return {};
  const seen = (kind: string) => glances.filter(({ catalog }) => catalog === kind).length;
  return {
    'carts seen fresh': seen('fresh'),
    'carts seen stale': seen('stale'),
    'carts seen without the catalog': seen('unavailable'),
  };
}

function countJobs({ jobs, changes }: Evidence['catalog']): Record<string, number> {
  return {
    'jobs of the catalog': jobs.length,
    'orders superseded': jobs.reduce((sum, { result }) => sum + timesOf('superseded', result), 0),
    "events in the catalog's log": changes.length,
  };
}

function countRebuilds({
  compared,
  switches,
}: Awaited<ReturnType<Operating['finish']>>): Record<string, number> {
  if (compared.length === 0) return {};
  return {
    'generations compared': compared.length,
    'rows compared': compared.reduce((sum, { rows }) => sum + rows, 0),
    'rows that differ': compared.reduce((sum, { differing }) => sum + differing, 0),
    'switches of the live generation': switches,
  };
}
