import type { Evidence } from '../evidence/evidence.ts';
import { CROWD } from '../figures.ts';

/** The run has been what it was meant to be: a run in which nothing happened shows nothing. */
export function judgeCoverage({ figures, demands }: Evidence): string[] {
  return [
    ...Object.entries(demands)
      .filter(([name, least]) => (figures.counts[name] ?? 0) < least)
      .map(([name, least]) => `${name}: ${figures.counts[name] ?? 0}, and there should be ${least} at least`),
    ...figures.inFlight
      .filter((count) => count < CROWD)
      .map((count) => `a process was killed with ${count} writes in flight, and there should be ${CROWD}`),
  ];
}
