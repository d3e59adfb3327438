/** The scenarios, each with its dose for `npm test` and that of one round of `npm run faults`. */
import type { Evidence } from './evidence/evidence.ts';
import { runHardWriters, type WritersScenario } from './hard-writers.ts';
import { type Dose, type LoadScenario, type RunOptions, runUnderLoad } from './under-load.ts';

export type Scenario =
  | (LoadScenario & {
      readonly small: Dose;
      readonly full: Dose;
      /** What a full dose has more of. */
      readonly inFull?: Partial<Pick<LoadScenario, 'sides' | 'brokers' | 'prefilled' | 'rebuilds'>>;
    })
  | (WritersScenario & { readonly small: { events: number }; readonly full: { events: number } });

const TWO_OF_EVERYTHING = {
  sides: 2,
  furtherSides: ['cart-service', 'catalog-service', 'catalog-worker', 'shopper-tracking-service'],
  balanced: true,
  orders: 'prices',
  maxAgeS: 1,
  watchCarts: true,
} as const;

const TWO_OF_EVERYTHING_IN_FULL = {
  'move streams': 5,
  'roll cart': 4,
  'roll tracking': 4,
  'roll catalog': 3,
  'roll worker': 2,
  'kill cart': 8,
  'kill tracking': 6,
  'kill catalog': 3,
  'kill worker': 3,
  'freeze cart for long': 2,
  'freeze tracking for long': 3,
  'freeze catalog for long': 2,
  'freeze worker': 2,
} as const satisfies Dose;

export const SCENARIOS = {
  kills: {
    says: 'services, PostgreSQL and the launcher are killed and frozen under load',
    sides: 1,
    slowCommitsMs: 20,
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
    demands: { 'requests that ended unknown': 1, 'batches applied again': 1, 'carts closed': 1 },
  },
  'frozen-followers': {
    says: 'the tracking that applies is frozen past its lock, and wakes up beside its successor',
    sides: 2,
    furtherSides: ['cart-service', 'shopper-tracking-service'],
    slowCommitsMs: 80,
    small: { 'freeze leader': 3 },
    full: { 'freeze leader': 12 },
    demands: { 'stale writes refused': 1 },
  },
  'cut-replies': {
    says: 'replies are cut behind the commit, on every way between two parts; some ways are delayed or half-open',
    sides: 1,
    viaProxy: true,
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
    demands: { 'requests that ended unknown': 1, 'batches applied again': 1, 'carts closed': 1 },
  },
  'hard-writers': {
    says: 'writers wait, roll back and die in the middle of their transactions; no follower skips an event',
    followers: 'feed',
    small: { events: 10_000 },
    full: { events: 200_000 },
  },
  imports: {
    says: 'imports and single orders go on while the catalog, its workers, their queue and the supplier fail',
    sides: 2,
    furtherSides: ['catalog-service', 'catalog-worker'],
    orders: 'imports',
    small: { 'kill worker': 3, 'kill catalog': 1, 'cut catalog store': 1, 'cut queue': 1, 'cut supplier': 1 },
    full: {
      'kill worker': 12,
      'kill catalog': 6,
      'kill postgres': 2,
      'freeze worker': 2,
      'freeze worker for long': 3,
      'freeze catalog': 2,
      'cut catalog store': 10,
      'cut queue': 10,
      'cut supplier': 5,
      'delay supplier': 5,
    },
    demands: { 'orders superseded': 1 },
  },
  'catalog-outages': {
    says: 'carts are filled and seen while prices change and the catalog is killed and frozen',
    sides: 1,
    orders: 'prices',
    maxAgeS: 1,
    watchCarts: true,
    small: { 'kill catalog': 2, 'freeze catalog for long': 1, 'kill worker': 1 },
    full: {
      'kill catalog': 15,
      'freeze catalog': 5,
      'freeze catalog for long': 8,
      'kill worker': 5,
      'freeze worker': 3,
      'cut catalog store': 5,
    },
    demands: { 'carts seen fresh': 1, 'carts seen stale': 1 },
  },
  brokers: {
    says: "brokers are killed, frozen and cut off and Kafka's data is deleted, while followers of one group come and go",
    sides: 2,
    furtherSides: ['shopper-tracking-service'],
    brokers: 1,
    inFull: { sides: 3, brokers: 3 },
    small: { 'kill broker': 1, 'wipe brokers': 1, 'cut broker': 3, 'stop tracking': 6, 'kill tracking': 4 },
    full: {
      'kill broker': 12,
      'freeze broker': 4,
      'wipe brokers': 2,
      'cut broker': 10,
      'delay broker': 3,
      'half-open broker': 2,
      'stop tracking': 25,
      'kill tracking': 25,
      'kill cart': 6,
      'cut tracking store': 4,
    },
    demands: { 'events counted': 1 },
  },
  'two-of-everything': {
    says: 'two processes of every service behind one address are exchanged, killed and frozen; two read models follow',
    ...TWO_OF_EVERYTHING,
    small: { 'roll cart': 1, 'roll tracking': 1, 'move streams': 1, 'kill cart': 1, 'kill tracking': 1 },
    full: TWO_OF_EVERYTHING_IN_FULL,
    demands: { rolls: 2 },
  },
  'two-of-everything-over-kafka': {
    says: 'the same, and one of the read models follows over Kafka',
    ...TWO_OF_EVERYTHING,
    brokers: 1,
    small: { 'roll cart': 1, 'roll tracking': 1 },
    full: TWO_OF_EVERYTHING_IN_FULL,
    demands: { rolls: 2 },
  },
  rebuild: {
    says: 'the read model is rebuilt, switched and switched back while its processes and PostgreSQL are killed and frozen',
    sides: 2,
    furtherSides: ['shopper-tracking-service'],
    prefilled: 12_000,
    rebuilds: 2,
    inFull: { prefilled: 1_000_000, rebuilds: 3 },
    small: { 'kill tracking': 3, 'kill postgres': 1, 'freeze tracking for long': 1 },
    full: {
      'kill tracking': 12,
      'kill postgres': 4,
      'kill cart': 2,
      'freeze tracking': 3,
      'freeze tracking for long': 3,
      'freeze postgres': 2,
      'cut tracking store': 6,
    },
    demands: { 'generations compared': 2, 'switches of the live generation': 6 },
  },
  'orderly-stop': {
    says: 'processes are told to end under load',
    sides: 1,
    small: { 'stop cart': 1, 'stop tracking': 1, 'stop launcher': 1 },
    full: { 'stop cart': 8, 'stop tracking': 6, 'stop launcher': 4 },
    demands: {},
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;

/** Runs one round of a scenario, in one of its doses. `brokers` has any of them go over a Kafka of so many. */
export const runScenario = (
  name: ScenarioName,
  size: 'small' | 'full',
  { brokers = 0, ...options }: RunOptions & { brokers?: number },
): Promise<Evidence> => {
  const scenario: Scenario = SCENARIOS[name];
  if ('followers' in scenario) return runHardWriters(scenario, scenario[size], options);
  const { small: _, full: __, inFull, ...load } = scenario;
  const larger = size === 'full' ? inFull : {};
  return runUnderLoad({ brokers, ...load, ...larger }, scenario[size], options);
};
