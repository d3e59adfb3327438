import type { SuiteNeeds } from './suite-needs.ts';

/** A suite that is going to run, and how long it took when it was last measured. */
export type PlannedSuite = { readonly seconds: number; readonly needs: SuiteNeeds };

/** What a suite takes that nobody has measured. */
export const UNMEASURED_SECONDS = 2;

/** Of the workers, those that run heavy suites: a half, so that a core has one of these and a light one. */
const HEAVY_SHARE = 0.5;

/** Workers for heavy suites, and for light ones. */
export type Lanes = { readonly heavy: number; readonly light: number };

/** Splits the workers so that both lanes end at about the same time; at most half of them run heavy suites. */
export function splitWorkers(workers: number, suites: readonly PlannedSuite[]): Lanes {
  const { heavy, light } = bySort(suites);
  if (heavy.length === 0) return { heavy: 0, light: workers };
  const most = Math.max(1, Math.floor(workers * HEAVY_SHARE));
  if (light.length === 0) return { heavy: most, light: 0 };
  const lanes = Array.from({ length: most }, (_, n) => ({
    heavy: n + 1,
    light: Math.max(1, workers - n - 1),
  }));
  const secondsOf = (one: Lanes) => Math.max(laneSeconds(heavy, one.heavy), laneSeconds(light, one.light));
  return lanes.reduce((best, one) => (secondsOf(one) < secondsOf(best) ? one : best));
}

/** Seconds until the last lane ends, if each suite takes what it took. */
export function estimateSeconds(workers: number, suites: readonly PlannedSuite[]): number {
  if (workers <= 1) return laneSeconds(suites, 1);
  const { heavy, light } = bySort(suites);
  const lanes = splitWorkers(workers, suites);
  return Math.max(laneSeconds(heavy, lanes.heavy), laneSeconds(light, lanes.light));
}

function bySort(suites: readonly PlannedSuite[]) {
  return {
    heavy: suites.filter(({ needs }) => needs.heavy),
    light: suites.filter(({ needs }) => !needs.heavy),
  };
}

/** When the last of a lane's suites ends: the longest go first, each to the worker that is free first. */
function laneSeconds(suites: readonly PlannedSuite[], workers: number): number {
  const ends = Array<number>(workers).fill(0);
  for (const { seconds } of suites.toSorted((a, b) => b.seconds - a.seconds)) {
    const first = ends.indexOf(Math.min(...ends));
    ends[first]! += seconds;
  }
  return Math.max(0, ...ends);
}

/** What a run says first, on one line. */
export function describePlan(
  workers: number,
  suites: readonly PlannedSuite[],
  { named, quick }: { readonly named?: string | undefined; readonly quick: boolean },
): string {
  const heavy = suites.filter(({ needs }) => needs.heavy).length;
  const { heavy: atOnce } = splitWorkers(workers, suites);
  const what = `${suites.length} ${quick ? 'quick ' : ''}suite${suites.length === 1 ? '' : 's'}`;
  const tests = named ? `, of them the tests named ${named}` : '';
  const turns = workers > 1 && heavy > atOnce ? `, ${heavy} heavy ones ${atOnce} at a time` : '';
  const time = describeSeconds(estimateSeconds(workers, suites));
  const atMost = named ? 'at most' : 'about';
  return `${what}${tests}, on ${workers} worker${workers === 1 ? '' : 's'}${turns}: ${atMost} ${time}, by earlier runs`;
}

function describeSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} min`;
}
