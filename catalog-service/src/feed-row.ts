/**
 * The result of a feed's row. When a feed names a product more than once, its last row counts, however far apart the rows
 * are; but rows are written as they come, before later ones are known. So a product stores that a feed named it more than
 * once (`isRepeated`). From then on its rows are held back: each replaces the one before, and the last one is written when
 * the feed has been read. So an unchanged file changes nothing.
 *
 * Only the first time is a row written that a later one replaces: the product then shows the first until the second is
 * read. Once a feed names the product only once, later feeds are written at once again.
 */
import type { ProductContent } from '@micromart/contracts/catalog/product';
import type { Decide } from '@micromart/event-log/change-store';
import { decide, isBefore, type Origin, type Product, type Result } from './product.ts';

export type FeedRowOrder = {
  readonly log: string;
  readonly id: string;
  readonly content: ProductContent;
  readonly origin: Origin;
  readonly now: Date;
};

export type RowAnswer =
  /** `isRepeated`: this row shows that the feed names the product more than once. */
  | { readonly result: Result; readonly isRepeated: boolean }
  /** `isCounted`: an earlier row of this reading showed it already. */
  | { readonly result: 'held'; readonly isCounted: boolean };

/** Decides a row, the last of `times` rows about its product in a chunk. The reading's rows are numbered after `baseRow`. */
export const decideRow =
  (
    { content, origin, ...row }: FeedRowOrder,
    { times, baseRow }: { readonly times: number; readonly baseRow: number },
  ): Decide<Product, RowAnswer> =>
  (document) => {
    const stored = document?.state;
    const before = stored?.decided;
    const isNewer = !before || isBefore(before, origin);
    const isAgain = before?.job === origin.job && before.row > baseRow && isBefore(before, origin);
    if (isNewer && before?.isRepeated) return { answer: { result: 'held', isCounted: isAgain } };

    const isRepeated = isNewer
      ? isAgain || times > 1
      : before.isRepeated === true && !isBefore(origin, before);
    const { answer: result, change } = decide(stored, {
      ...row,
      origin,
      order: { kind: 'put', content },
      isRepeated,
    });
    return { answer: { result, isRepeated }, ...(change && { change }) };
  };

/** Decides the last held row of a product; `isRepeated` says whether the feed named it more than once. */
export const decideHeldRow =
  ({ content, ...row }: FeedRowOrder, isRepeated: boolean): Decide<Product, Result> =>
  (document) =>
    decide(document?.state, { ...row, order: { kind: 'put', content }, isRepeated });
