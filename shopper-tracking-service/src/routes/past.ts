import { COUNTER_NAMES } from '../counters.ts';
import { NOTHING } from '../counts.ts';
import type { Past } from '../list.ts';
import { ratiosOf } from '../ratios.ts';

/** How a product stood of which nothing was counted. */
export const ABSENT = {
  ...NOTHING,
  ...Object.fromEntries(ratiosOf(COUNTER_NAMES).map(([name, { ofNothing }]) => [name, ofNothing])),
  rank: null,
} as Past;

/** How these products stood, in their order. */
export const pastOf = (ids: readonly string[], found: ReadonlyMap<string, Past>): Past[] =>
  ids.map((id) => found.get(id) ?? ABSENT);
