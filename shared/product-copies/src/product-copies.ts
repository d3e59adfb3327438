/**
 * Copies of products, above the HTTP cache: an answer about 1, 2 and 3 also answers about 2, or 3 and 1. The cache may not
 * do that by itself (RFC 9111 knows addresses only); the catalog's contract allows it to whoever knows the contract.
 *
 * - What is fresh is not asked for. What is not is asked for together, in questions of at most 200 ids, and each id by
 *   one question at a time: whoever wants it meanwhile waits for that.
 * - What is held and no longer fresh is asked about by the entity tag that follows from its ids and versions, whichever
 *   answers it came with; a 304 renews all of it.
 * - While the catalog is away, a copy stands in as long as the catalog's `stale-if-error` allows, and is called stale.
 * - What is missing is never kept: that is the HTTP cache's, for the seconds that the catalog says.
 * - A later answer is never replaced by an earlier one.
 */
import type { CachingClient } from '@micromart/http-cache/caching-client';
import { type CatalogAnswer, noAnswer, readAnswer } from './catalog-answer.ts';
import { type CopiesAnswer, compose, type ProductCopy, toProductCopy } from './compose.ts';
import { batchesFor, type Copy, isFresh, isLater, tagOf } from './copy.ts';

export type ProductCopies = {
  /**
   * What can be said of these products, each asked for once. With `noCache` the catalog itself is asked, now: for who
   * has been told that something has changed. Never rejects for what the catalog does; throws for more than 1,000 ids.
   */
  get(ids: Iterable<string>, options?: { noCache?: boolean }): Promise<CopiesAnswer>;
  /** The copy of a product if it is held and fresh: for who cannot wait, and asks by `get` where there is none. */
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
  /** Milliseconds, never going back. */
  clock: () => number;
  maxCopies?: number;
}): ProductCopies {
  const base = `${catalogUrl.replace(/\/$/, '')}/products?ids=`;
  /** The one that was answered the longest ago first. */
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

  /** One question; until it is answered, it is the one for each of its ids. */
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
      /** Those held now stay at hand, should others take their place meanwhile. */
      const before = new Map(ids.map((id) => [id, held.get(id)]));
      const due = ids.filter((id) => noCache || !isFresh(held.get(id), startMs));
      // A question from before now may be answered from before that of which the caller has been told.
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
