/**
 * Copies of products, above the HTTP cache: an answer about 1, 2 and 3 also answers about 2, or 3 and 1. RFC 9111 knows
 * addresses only, so the cache may not do that by itself; the catalog's contract allows it.
 *
 * - A fresh copy needs no request. All others are requested together, at most 200 ids at a time. Each id is in one request
 *   at a time; other callers join it.
 * - Copies that are no longer fresh are validated by the entity tag that follows from their ids and versions, whichever
 *   answers they came with. One 304 renews all of them.
 * - While the catalog is unavailable, a copy is used as long as the catalog's `stale-if-error` allows, and is called stale.
 * - A missing product is not copied. The HTTP cache holds that answer for as long as the catalog allows.
 * - An earlier answer never replaces a later one.
 */
import type { CachingClient } from '@micromart/http-cache/caching-client';
import { type CatalogAnswer, noAnswer, readAnswer } from './catalog-answer.ts';
import { type CopiesAnswer, compose, type ProductCopy, toProductCopy } from './compose.ts';
import { batchesFor, type Copy, isFresh, isLater, tagOf } from './copy.ts';

export type ProductCopies = {
  /**
   * What is known about these products; repeated ids count once. `noCache` requests all of them from the catalog now, for a
   * caller that knows of a change. Never rejects because of the catalog; rejects with a RangeError above 1,000 ids.
   */
  get(ids: Iterable<string>, options?: { noCache?: boolean }): Promise<CopiesAnswer>;
  /** The copy of a product if it is held and fresh, without waiting; undefined otherwise. */
  cached(id: string): ProductCopy | undefined;
};

const MAX_IDS = 1_000;
const MAX_COPIES = 10_000;

export function createProductCopies({
  client,
  catalogUrl,
  token,
  clock,
  maxCopies = MAX_COPIES,
}: {
  client: Pick<CachingClient, 'get'>;
  /** The catalog's address: products are at `<catalogUrl>/products`. */
  catalogUrl: string;
  token: () => Promise<string>;
  /** Milliseconds; never goes back. */
  clock: () => number;
  maxCopies?: number;
}): ProductCopies {
  const base = `${catalogUrl.replace(/\/$/, '')}/products?ids=`;
  /** The copy answered the longest ago comes first. */
  const held = new Map<string, Copy>();
  const requests = new Map<string, Promise<CatalogAnswer>>();

  async function ask(ids: readonly string[], noCache: boolean): Promise<CatalogAnswer> {
    const known = ids.map((id) => held.get(id));
    const tag = tagOf(known);
    try {
      const answer = await client.get(base + ids.join(','), {
        headers: {
          authorization: `Bearer ${await token()}`,
          ...(tag !== undefined && { 'if-none-match': tag }),
          ...(noCache && { 'cache-control': 'no-cache' }),
        },
      });
      return readAnswer(answer, { ids, held: tag === undefined ? [] : (known as Copy[]), nowMs: clock() });
    } catch (error) {
      return noAnswer((error as Error).message);
    }
  }

  function store({ copies }: CatalogAnswer): void {
    for (const copy of copies) {
      const { id } = copy.product;
      const other = held.get(id);
      if (other && isLater(other, copy)) continue;
      held.delete(id);
      held.set(id, copy);
      if (held.size > maxCopies) held.delete(held.keys().next().value!);
    }
  }

  /** Sends one request. Until it is answered, other callers join it for each of its ids. */
  function request(ids: readonly string[], noCache: boolean): Promise<CatalogAnswer> {
    const answered = ask(ids, noCache).then((answer) => {
      store(answer);
      for (const id of ids) if (requests.get(id) === answered) requests.delete(id);
      return answer;
    });
    for (const id of ids) requests.set(id, answered);
    return answered;
  }

  return {
    async get(productIds, { noCache = false } = {}) {
      const ids = [...new Set(productIds)];
      if (ids.length > MAX_IDS) throw new RangeError(`asked for more than ${MAX_IDS} products at once`);
      const startMs = clock();
      /** Copies held now stay available to this call, even if others evict them meanwhile. */
      const before = new Map(ids.map((id) => [id, held.get(id)]));
      const due = ids.filter((id) => noCache || !isFresh(held.get(id), startMs));
      // A request sent before now may not show the change that the caller knows of.
      const isRequested = (id: string) => !noCache && requests.has(id);
      const joined = new Set(due.filter(isRequested).map((id) => requests.get(id)!));
      const own = batchesFor(
        due.filter((id) => !isRequested(id)),
        (id) => held.has(id),
      );
      const [ownAnswers, joinedAnswers] = await Promise.all([
        Promise.all(own.map((batch) => request(batch, noCache))),
        Promise.all(joined),
      ]);
      return compose({
        ids,
        due: new Set(due),
        latest: (id) => held.get(id) ?? before.get(id),
        own: ownAnswers,
        joined: joinedAnswers,
        nowMs: clock(),
      });
    },
    cached(id) {
      const [copy, nowMs] = [held.get(id), clock()];
      return isFresh(copy, nowMs) ? toProductCopy(copy, nowMs, 'fresh') : undefined;
    },
  };
}
