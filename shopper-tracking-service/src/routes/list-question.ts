/** What is asked of a list of products, by its page and by its CSV alike. */
import { instant, wholeNumber } from '@micromart/http/parameters';
import { problem } from '@micromart/http/problem';
import type { ProductSearch } from '@micromart/product-copies/product-search';
import { z } from 'zod';
import { type Bounds, COMPARISONS, comparedBounds } from '../comparison.ts';
import type { Ordering, Search, Sort } from '../list.ts';
import { keptAt, type Present, type Window, windowOf } from '../window.ts';
import { sort } from './count-schemas.ts';
import { requireOrder, timeOf, timeZone } from './time-parameters.ts';

const MAX_MIN_ADDED = 1_000_000_000;
const MAX_SEARCH_LENGTH = 100;
const LETTER_OR_DIGIT = /[\p{L}\p{M}\p{N}]/u;
/** What can be said of letters and digits without listing all of Unicode: not all of it may be signs of ASCII. */
const NOT_SIGNS_ALONE = '^[^\\u0000]*[^\\u0000-/:-@\\[-`{-\\u007f][^\\u0000]*$';

export const listQuery = {
  sort: sort.default('-added'),
  from: instant().optional(),
  to: instant().optional(),
  tz: timeZone,
  minAdded: wholeNumber({ max: MAX_MIN_ADDED }).default(0),
  q: z
    .string()
    .trim()
    .max(MAX_SEARCH_LENGTH)
    .refine((text) => LETTER_OR_DIGIT.test(text.normalize('NFKC')), 'must contain a letter or a digit')
    .optional()
    .meta({
      description:
        'Products whose ids begin so, and those that the catalog finds by their names; by id alone while the catalog is away, ' +
        'as `names` in the answer says. It must contain a letter or a digit',
      pattern: NOT_SIGNS_ALONE,
    }),
  compare: z
    .enum(COMPARISONS)
    .optional()
    .meta({
      description:
        "Adds each product's figures and rank in the window before, as `previous`; needs `from`. `previous` is the window that ends where this one " +
        'begins: as many days where both ends are midnights of the time zone, else as much time. `previous-week` is the same ' +
        'weekdays and times of the clock, so many weeks before that the two do not overlap',
    }),
};

const schema = z.object(listQuery);
export type ListQuery = z.output<typeof schema>;

/** Throws `invalid` for what the parameters alone show to be wrong. */
export function requireMeaningful(query: ListQuery): void {
  requireOrder(query);
  if (!query.compare || query.from) return;
  throw problem('invalid', 'There is nothing before a window without a beginning: add `from`.', {
    errors: [{ path: 'query.from', message: 'must be given with compare' }],
  });
}

/** Whether all names that begin with the words were found, the first of them, or none because the catalog is away. */
export type SearchedNames = 'all' | 'first' | 'unavailable';

export type Searched = { readonly search: Search; readonly names: SearchedNames };

/** Asks the catalog, before the database: so no connection waits for it. */
export async function searchBy(q: string, searchCatalog: ProductSearch): Promise<Searched> {
  const found = await searchCatalog(q);
  const names = !found ? 'unavailable' : found.isWhole ? 'all' : 'first';
  return { search: { ids: found?.ids ?? [], prefix: q }, names };
}

export type ListQuestion = { readonly ordering: Ordering; readonly before?: Window | undefined };

/** The list that is answered now, and the window before where one is to be compared with. */
export function questionOf(
  { sort, from, to, tz, minAdded, compare }: ListQuery,
  search: Search | undefined,
  present: Present,
): ListQuestion {
  const end = to ?? (compare && new Date(present.asOfMs));
  const window = from || end ? windowOf({ from, to: end }, present) : undefined;
  const descending = sort.startsWith('-');
  return {
    ordering: { sort: sort.replace('-', '') as Sort, descending, window, minAdded, search },
    before:
      compare && window
        ? {
            ...comparedBounds(window as Bounds, compare, tz, keptAt(present)),
            minutesFrom: window.minutesFrom,
          }
        : undefined,
  };
}

/** The windows as an answer shows them. One without an end ends at the As-Of. */
export const shownWindows = ({ ordering: { window }, before }: ListQuestion, asOf: string) => ({
  ...(window && {
    ...(window.from !== undefined && { from: timeOf(window.from) }),
    to: window.to === undefined ? asOf : timeOf(window.to),
  }),
  ...(before && { compared: { from: timeOf(before.from!), to: timeOf(before.to!) } }),
});
