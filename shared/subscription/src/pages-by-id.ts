/** Lists that come in pages by the ids of their rows: the last id of a page is the cursor of the next. */
import { wholeNumber } from '@micromart/http/parameters';
import { z } from 'zod';

const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 100;

export const idCursor = z.string().regex(/^[0-9]{1,18}$/, 'the cursor of an earlier answer');

export const pageLimit = wholeNumber({ min: 1, max: MAX_PAGE }).default(DEFAULT_PAGE);

/** A page of what was found by asking for one row more than `limit`. */
export function pageById<T extends { readonly id: string }>(
  found: readonly T[],
  limit: number,
): { readonly items: readonly T[]; readonly next: string | null } {
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? items.at(-1)!.id : null };
}
