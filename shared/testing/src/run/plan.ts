import type { SuiteNeeds } from './suite-needs.ts';

/** A suite that is going to run, and how long it took when it was last measured. */
export type PlannedSuite = { readonly seconds: number; readonly needs: SuiteNeeds };

/** What a suite takes that nobody has measured. */
export const UNMEASURED_SECONDS = 2;

export type Lanes = {
  /** Workers for the suites that take turns: one, or none where there are none. */
  readonly inTurn: number;
  readonly others: number;
};

/** Splits the workers: where there are suites of both kinds, one worker runs those that take turns. */
export function splitWorkers(workers: number, suites: { inTurn: number; others: number }): Lanes {
  if (suites.inTurn === 0) return { inTurn: 0, others: workers };
  return { inTurn: 1, others: suites.others === 0 ? 0 : Math.max(1, workers - 1) };
}

/** Seconds until the last lane ends, if each suite takes what it took. */
export function estimateSeconds(workers: number, suites: readonly PlannedSuite[]): number {
  const inTurn = suites.filter(({ needs }) => needs.inTurn);
  const others = suites.filter(({ needs }) => !needs.inTurn);
  const sum = (part: readonly PlannedSuite[]) => part.reduce((total, { seconds }) => total + seconds, 0);
  if (workers <= 1) return sum(suites);
  const lanes = splitWorkers(workers, { inTurn: inTurn.length, others: others.length });
  const longest = Math.max(0, ...others.map(({ seconds }) => seconds));
  return Math.max(sum(inTurn), longest, lanes.others === 0 ? 0 : sum(others) / lanes.others);
}

/** What a run says first, on one line. */
export function describePlan(
  workers: number,
  suites: readonly PlannedSuite[],
  { named, quick }: { readonly named?: string | undefined; readonly quick: boolean },
): string {
  const inTurn = suites.filter(({ needs }) => needs.inTurn).length;
  const what = `${suites.length} ${quick ? 'quick ' : ''}suite${suites.length === 1 ? '' : 's'}`;
  const tests = named ? `, of them the tests named ${named}` : '';
  const turns = inTurn > 0 && workers > 1 && suites.length > 1 ? `, ${inTurn} of them one at a time` : '';
  const time = describeSeconds(estimateSeconds(workers, suites));
  const atMost = named ? 'at most' : 'about';
  return `${what}${tests}, on ${workers} worker${workers === 1 ? '' : 's'}${turns}: ${atMost} ${time}, by earlier runs`;
}

function describeSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} min`;
}
