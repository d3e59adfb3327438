/** Ratios of counters, declared in this one place. Each is there as soon as the counters that it is made of are declared. */
import type { CounterName } from './counters.ts';

export type Ratio = {
  /** For the API's documentation. */
  readonly description: string;
  /** A counter, divided by the sum of others. */
  readonly part: string;
  readonly whole: readonly string[];
  /** Its value where the whole is 0. */
  readonly ofNothing: 0 | null;
};

const RATIOS = {
  removalRatio: {
    description: 'removed / added; 0 where it was never added',
    part: 'removed',
    whole: ['added'],
    ofNothing: 0,
  },
  conversion: {
    description:
      'bought / (bought + abandoned), by the time of closing; null where no cart with it was closed',
    part: 'bought',
    whole: ['bought', 'abandoned'],
    ofNothing: null,
  },
} as const satisfies Readonly<Record<string, Ratio>>;

type Declared = typeof RATIOS;

/** Those of which all counters are declared. */
export type RatioName = {
  [R in keyof Declared]: Declared[R]['part'] | Declared[R]['whole'][number] extends CounterName ? R : never;
}[keyof Declared];

export type Ratios = {
  readonly [R in RatioName]: Declared[R]['ofNothing'] extends number ? number : number | null;
};

/** The ratios that can be made of these counters, by name. */
export const ratiosOf = (counters: readonly string[]): (readonly [RatioName, Ratio])[] =>
  (Object.entries(RATIOS) as [RatioName, Ratio][]).filter(([, { part, whole }]) =>
    [part, ...whole].every((name) => counters.includes(name)),
  );
