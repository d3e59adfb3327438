/** One run under load: faults in an order by seed, each after the system has recovered from the one before; then all is read. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createDraw, type Draw } from '@micromart/demo/draws';
import { collect, readCarts } from './evidence/collect.ts';
import type { Evidence, Stop } from './evidence/evidence.ts';
import { FAULTS, type Fault, type FaultName, type Scene } from './faults.ts';
import type { Figures } from './figures.ts';
import type { History } from './load/history.ts';
import { startLoad } from './load/load.ts';
import { startMeters } from './load/meters.ts';
import { openSystem, type Replaced } from './system/system.ts';

/** How often each fault is made. */
export type Dose = Readonly<Partial<Record<FaultName, number>>>;

export type LoadScenario = {
  readonly says: string;
  readonly sides: 1 | 2;
  /** Whether shoppers come by the proxy, which can cut their replies. */
  readonly viaProxy: boolean;
  /** How long each commit of tracking's database takes, so that most moments lie within one. */
  readonly slowCommitsMs: number;
  /** Figures that must not be zero. */
  readonly demands: Readonly<Record<string, number>>;
};

export type RunOptions = {
  readonly seed: number;
  /** Makes it a control. */
  readonly replaced?: Replaced | undefined;
  readonly say: (line: string) => void;
};

const LEAST_PAUSE_MS = 50;
const MOST_PAUSE_MS = 700;

export async function runUnderLoad(
  { sides, viaProxy, slowCommitsMs, demands }: LoadScenario,
  dose: Dose,
  { seed, replaced, say }: RunOptions,
): Promise<Evidence> {
  const draw = createDraw(`faults ${seed}`);
  const system = await openSystem({ sides, replaced, slowCommitsMs });
  try {
    const meters = startMeters(system.sides.map(({ trackingUrl }) => trackingUrl));
    const load = await startLoad(system, { seed: String(seed), viaProxy });
    let struck: Awaited<ReturnType<typeof strikeAll>>;
    try {
      await load.counted(Date.now());
      struck = await strikeAll(shuffled(dose, draw), { system, load, draw }, say);
      await system.ready();
    } finally {
      await Promise.all([meters.close(), load.stop()]);
    }
    const history = await load.stop();
    say('reading the log, the counters and the carts');
    const { log, counters } = await collect(system);
    const carts = await readCarts(system, history.carts);
    const { stops, ...measured } = struck;
    const figures = {
      ...measured,
      counts: { ...measured.counts, ...meters.sums(), ...countHistory(history, log) },
    };
    return { history, log, carts, counters, followers: [], stops, figures, demands };
  } finally {
    await system.close();
  }
}

async function strikeAll(
  names: readonly FaultName[],
  scene: Scene,
  say: (line: string) => void,
): Promise<Figures & { stops: readonly Stop[] }> {
  const counts: Record<string, number> = {};
  const inFlight: number[] = [];
  const timesMs: Record<string, number[]> = {};
  const stops: Stop[] = [];
  for (const [n, name] of names.entries()) {
    await sleep(LEAST_PAUSE_MS + scene.draw(MOST_PAUSE_MS));
    const fault: Fault = FAULTS[name];
    const struck = await fault.strike(scene);
    await scene.load.counted(fault.kills ? struck.atMs : Date.now());
    const tookMs = Date.now() - struck.atMs;
    const took = (what: string, ms: number) => {
      timesMs[what] = [...(timesMs[what] ?? []), ms];
    };
    counts[fault.figure] = (counts[fault.figure] ?? 0) + 1;
    if (fault.kills) {
      inFlight.push(struck.inFlight);
      took(`counts again, ${fault.kills} killed`, tookMs);
    }
    if (struck.stop) {
      stops.push(struck.stop);
      took('gone after SIGTERM', struck.stop.goneAtMs - struck.stop.toldAtMs);
    }
    say(
      `${n + 1} of ${names.length}: ${name}, ${struck.inFlight} in flight, counts again after ${tookMs} ms`,
    );
  }
  return { counts, inFlight, timesMs, stops };
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
  };
}
