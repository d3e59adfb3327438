/** The command line of `npm run doors`. */
import { parseArgs } from 'node:util';

export type Arguments = {
  /** Random requests for each operation and role. */
  readonly examples: number;
  readonly seed: number;
  /** All services unless one was named. */
  readonly services: readonly ServiceName[];
};

export type ServiceName = keyof typeof PORT_OFFSETS;

/** The port of each service, above `PORT_BASE`. */
export const PORT_OFFSETS = {
  'cart-service': 1,
  'catalog-service': 2,
  'shopper-tracking-service': 4,
  'catalog-worker': 5,
} as const;

const DEFAULT_EXAMPLES = 1;
const MAX_EXAMPLES = 100_000;
const MAX_SEED = 2 ** 31;
const SERVICES = Object.keys(PORT_OFFSETS) as ServiceName[];

export const USAGE = `npm run doors -- [--examples N] [--seed S] [--service name]

Starts a system of its own, and sends each service the requests that Schemathesis generates from its OpenAPI document,
with a token of each role and with none. Needs Python 3.10 or newer. Ends with 1 when an answer is not as the document
says.

  --examples N     random requests for each operation and role; ${DEFAULT_EXAMPLES} unless given. From 20 on, those at the limits
                   of the document's schemas come besides. 40 makes more than 5,000 a service, 250 of the worker too
  --seed S         repeats a run's requests; by default a new one
  --service name   only this one: ${SERVICES.join(', ')}
`;

/** Reads the arguments; undefined for --help. Throws for an unknown one. */
export function readArguments(words: readonly string[], newSeed: number): Arguments | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      examples: { type: 'string', default: String(DEFAULT_EXAMPLES) },
      seed: { type: 'string', default: String(newSeed) },
      service: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    examples: wholeNumber('examples', values.examples, 1, MAX_EXAMPLES),
    seed: wholeNumber('seed', values.seed, 0, MAX_SEED),
    services: values.service === undefined ? SERVICES : [named(values.service)],
  };
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  if (/^[0-9]{1,10}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
  throw new Error(`--${name} is not a whole number from ${min} to ${max}`);
}

function named(text: string): ServiceName {
  const found = SERVICES.find((name) => name === text);
  if (!found) throw new Error(`there is no service "${text}"; there are ${SERVICES.join(', ')}`);
  return found;
}
