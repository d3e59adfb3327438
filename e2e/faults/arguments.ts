/** What `npm run faults` was told on its command line. */
import { parseArgs } from 'node:util';
import { SCENARIOS, type ScenarioName } from './scenarios.ts';

export type Arguments = {
  readonly minutes: number;
  readonly seed: number;
  /** All of them unless one was named. */
  readonly scenarios: readonly ScenarioName[];
  /** Kills that there must have been before it ends. */
  readonly kills: number;
  /** Brokers of the Kafka over which events go; 0 for the owners' feeds, but where a scenario is about brokers. */
  readonly brokers: number;
};

const DEFAULT_MINUTES = 10;
const MAX_MINUTES = 10_000;
const MAX_SEED = 2 ** 31;
const MAX_KILLS = 100_000;
const BROKERS = { feed: 0, kafka: 3 } as const;

export const USAGE = `npm run faults -- [--minutes N] [--seed S] [--scenario name] [--kills n] [--events kafka]

Starts the real processes, has shoppers fill carts, makes faults, and judges from what was recorded. It runs the
scenarios in turn, at least once each, in rounds on a fresh system, until the time is over.

  --minutes N       no round begins after this time; ${DEFAULT_MINUTES} unless given
  --seed S          repeats a run's faults and plans; a new one unless given
  --scenario name   only this one:
${Object.entries(SCENARIOS)
  .map(([name, { says }]) => `                      ${name}: ${says}`)
  .join('\n')}
  --kills n         goes on, beyond the minutes too, until so many processes were killed
  --events kafka    has every scenario go over a Kafka of three brokers; over the owners' feeds unless given
`;

/** Reads the words; undefined when help is asked for. Throws for what it does not know. */
export function readArguments(words: readonly string[], newSeed: number): Arguments | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      minutes: { type: 'string', default: String(DEFAULT_MINUTES) },
      seed: { type: 'string', default: String(newSeed) },
      scenario: { type: 'string' },
      kills: { type: 'string', default: '0' },
      events: { type: 'string', default: 'feed' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    minutes: wholeNumber('minutes', values.minutes, MAX_MINUTES),
    seed: wholeNumber('seed', values.seed, MAX_SEED),
    scenarios:
      values.scenario === undefined ? (Object.keys(SCENARIOS) as ScenarioName[]) : [named(values.scenario)],
    kills: wholeNumber('kills', values.kills, MAX_KILLS),
    brokers: brokersOf(values.events),
  };
}

function wholeNumber(name: string, text: string, max: number): number {
  if (/^[0-9]{1,10}$/.test(text) && Number(text) <= max) return Number(text);
  throw new Error(`--${name} is not a whole number from 0 to ${max}`);
}

function named(text: string): ScenarioName {
  if (Object.hasOwn(SCENARIOS, text)) return text as ScenarioName;
  throw new Error(`there is no scenario "${text}"; there are ${Object.keys(SCENARIOS).join(', ')}`);
}

function brokersOf(events: string): number {
  if (events === 'feed' || events === 'kafka') return BROKERS[events];
  throw new Error('--events is feed or kafka');
}
