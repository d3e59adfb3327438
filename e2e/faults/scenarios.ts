/** The scenarios, each with its dose for `npm test` and that of one round of `npm run faults`. */
import type { Evidence } from './evidence/evidence.ts';
import { runHardWriters, type WritersScenario } from './hard-writers.ts';
import { type Dose, type LoadScenario, type RunOptions, runUnderLoad } from './under-load.ts';

export type Scenario =
  | (LoadScenario & { readonly small: Dose; readonly full: Dose })
  | (WritersScenario & { readonly small: { events: number }; readonly full: { events: number } });

export const SCENARIOS = {
  kills: {
    says: 'services, PostgreSQL and the launcher are killed and frozen under load',
    sides: 1,
    viaProxy: false,
    slowCommitsMs: 0,
    small: {
      'kill cart': 8,
      'kill tracking': 7,
      'kill postgres': 4,
      'kill launcher': 1,
      'freeze postgres': 1,
    },
    full: {
      'kill cart': 15,
      'kill tracking': 15,
      'kill postgres': 8,
      'kill launcher': 2,
      'freeze cart': 2,
      'freeze tracking': 2,
      'freeze postgres': 2,
      'freeze launcher': 1,
    },
    demands: { 'requests that ended unknown': 1, 'batches applied again': 1 },
  },
  'frozen-followers': {
    says: 'the tracking that applies is frozen past its lock, and wakes up beside its successor',
    sides: 2,
    viaProxy: false,
    slowCommitsMs: 80,
    small: { 'freeze leader': 3 },
    full: { 'freeze leader': 12 },
    demands: { 'stale writes refused': 1 },
  },
  'cut-replies': {
    says: 'replies are cut behind the commit, on every way between two parts; some ways are delayed or half-open',
    sides: 1,
    viaProxy: true,
    slowCommitsMs: 0,
    small: {
      'cut shop': 8,
      'cut cart store': 12,
      'cut tracking store': 6,
      'cut feed': 1,
      'delay tracking store': 1,
    },
    full: {
      'cut shop': 200,
      'cut cart store': 20,
      'cut tracking store': 20,
      'cut feed': 10,
      'delay cart store': 4,
      'delay tracking store': 4,
      'delay feed': 4,
      'hang tracking store': 1,
      'half-open cart store': 1,
      'half-open tracking store': 1,
      'half-open feed': 1,
    },
    demands: { 'requests that ended unknown': 1, 'batches applied again': 1 },
  },
  'hard-writers': {
    says: 'writers wait, roll back and die in the middle of their transactions; no follower skips an event',
    followers: 'feed',
    small: { events: 10_000 },
    full: { events: 200_000 },
  },
  'orderly-stop': {
    says: 'processes are told to end under load',
    sides: 1,
    viaProxy: false,
    slowCommitsMs: 0,
    small: { 'stop cart': 1, 'stop tracking': 1, 'stop launcher': 1 },
    full: { 'stop cart': 8, 'stop tracking': 6, 'stop launcher': 4 },
    demands: {},
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;

/** Runs one round of a scenario, in one of its doses. */
export const runScenario = (
  name: ScenarioName,
  size: 'small' | 'full',
  options: RunOptions,
): Promise<Evidence> => {
  const scenario: Scenario = SCENARIOS[name];
  return 'followers' in scenario
    ? runHardWriters(scenario, scenario[size], options)
    : runUnderLoad(scenario, scenario[size], options);
};
