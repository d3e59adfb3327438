import {
  label,
  MAX_PRODUCTS,
  type Product as ProductAnswer,
  product,
  productSet,
} from '@micromart/contracts/catalog/product';
import { productId } from '@micromart/contracts/product-id';
import { matchesWeakly } from '@micromart/http/conditional/entity-tag';
import type { Preconditions } from '@micromart/http/conditional/preconditions';
import { createListCursor, cursorParameter } from '@micromart/http/list-cursor';
import { wholeNumber } from '@micromart/http/parameters';
import { problem } from '@micromart/http/problem';
import { type Answer, type Route, route } from '@micromart/http/route';
import { z } from 'zod';
import { versionOf } from './product.ts';
import {
  cacheHeaders,
  type Lifetimes,
  MISSING_HEADERS,
  productAnswer,
  stateOfSet,
} from './product-answers.ts';
import { searchWords } from './search.ts';
import type { CatalogReader, ProductVersion } from './store/store.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;
const MAX_QUERY_LENGTH = 100;
/** The product id after which the next page begins. */
const productCursor = createListCursor(z.tuple([z.string().regex(/^[!-~]+$/)]));

const READERS = ['shopper', 'business', 'catalog', 'service'] as const;

/** Ids in the form of productId, each followed by a comma or by the end. */
const IDS = new RegExp(`^(?:(?!\\.{1,2}(?:,|$))[A-Za-z0-9._-]{1,64}(?:,(?!$)|$)){1,${MAX_PRODUCTS}}$`);

/** Parses the ids: each once, ascending. */
const ids = z
  .string()
  .regex(IDS, `must be 1 to ${MAX_PRODUCTS} product ids with a comma between them`)
  .transform((text) => {
    const list = text.split(',');
    return list.sort().filter((id, n) => id !== list[n - 1]);
  })
  .meta({ description: `Up to ${MAX_PRODUCTS}, in any order`, example: '1029743,1082185' });

/** What a pattern can say about letters and digits without listing all of Unicode: not only signs of ASCII. */
const NOT_SIGNS_ALONE = '^[^\\u0000]*[^\\u0000-/:-@\\[-`{-\\u007f][^\\u0000]*$';

const search = z
  .object({
    q: z
      .string()
      .max(MAX_QUERY_LENGTH)
      .refine((text) => searchWords(text).length > 0, 'must contain a letter or a digit')
      .meta({
        description:
          'Each of its words must begin a word of the name, brand, category or id; it must contain a letter or a digit',
        pattern: NOT_SIGNS_ALONE,
      }),
    category: label,
    cursor: cursorParameter,
    limit: wholeNumber({ min: 1, max: MAX_LIMIT }),
  })
  .partial();
type Search = z.output<typeof search>;

const page = z.object({ items: z.array(product), next: z.string().nullable() });

const copyHeaders = z.object({
  ETag: z.string().meta({ description: 'Computed from the log, the ids and the versions; see the README' }),
  'Cache-Control': z.string().meta({ description: 'How long this answer is valid' }),
});
const notModified = {
  description: 'Your copy is valid, for as long as this answer says.',
  headers: copyHeaders.partial(),
};

/** Reading the catalog. Prices are those in force at the time of the answer. */
export function productRoutes(
  reader: CatalogReader,
  { lifetimes, now }: { lifetimes: Lifetimes; now: () => Date },
): Route[] {
  return [
    route({
      method: 'get',
      path: '/products',
      summary: 'Products by ids, or by a search',
      description:
        'With `ids`: all known products, withdrawn ones too, and the missing ids. Without: the products that are sold, page by page, ascending by id.',
      roles: READERS,
      query: search.extend({ ids: ids.optional() }),
      answers: {
        200: {
          description: 'The products; a page has `next` instead of `missing`',
          schema: z.union([productSet, page]),
          headers: copyHeaders.partial(),
        },
        304: notModified,
      },
      problems: ['unavailable'],
      handle({ query: { ids: wanted, ...given }, preconditions }) {
        if (!wanted) return list(given);
        refuseSearch(given);
        return answerCopy(wanted, preconditions, (items, missing) => ({ items, missing }));
      },
    }),
    route({
      method: 'get',
      path: '/products/{id}',
      summary: 'A product',
      roles: READERS,
      params: z.object({ id: productId }),
      answers: {
        200: { description: 'The product', schema: product, headers: copyHeaders },
        304: notModified,
      },
      problems: ['not-found', 'gone', 'unavailable'],
      handle: ({ params: { id }, preconditions }) =>
        answerCopy([id], preconditions, ([item]) => item, requireSold),
    }),
  ];

  /**
   * Answers for a set of products. Versions alone decide whether a copy is still valid: no product is read, nothing is
   * serialised. `refuse` may throw because of what is known about the products.
   */
  async function answerCopy(
    wanted: readonly string[],
    { ifMatch, ifNoneMatch }: Preconditions,
    bodyOf: (items: readonly ProductAnswer[], missing: readonly string[]) => unknown,
    refuse: (known: readonly ProductVersion[]) => void = () => {},
  ): Promise<Answer> {
    if (ifNoneMatch && !ifMatch) {
      const known = await reader.versions(wanted);
      refuse(known);
      const state = stateOfSet(reader.log.name, wanted, known, now());
      if (matchesWeakly(ifNoneMatch, { weak: false, value: state.tag })) {
        return { status: 304, headers: cacheHeaders(state, lifetimes.maxAgeRevalidatedS) };
      }
    }
    const found = await reader.products(wanted);
    const known = found.map(({ id, product: stored }) => ({ id, ...versionOf(stored) }));
    refuse(known);
    const at = now();
    const state = stateOfSet(reader.log.name, wanted, known, at);
    const items = found.map(({ id, product: stored }) => productAnswer(id, stored, at));
    return {
      status: 200,
      headers: cacheHeaders(state, lifetimes.maxAgeS),
      body: bodyOf(items, state.missing),
    };
  }

  async function list({ q, category, cursor, limit = DEFAULT_LIMIT }: Search): Promise<Answer> {
    const name = JSON.stringify([q ?? null, category ?? null]);
    const after = cursor === undefined ? undefined : productCursor.read(cursor, name)[0];
    const found = await reader.browse({ q, category, after, limit: limit + 1 });
    const shown = found.slice(0, limit);
    const more = found.length > limit;
    const at = now();
    return {
      status: 200,
      body: {
        items: shown.map(({ id, product: stored }) => productAnswer(id, stored, at)),
        next: more ? productCursor.write(name, [shown.at(-1)!.id]) : null,
      },
    };
  }
}

function requireSold([known]: readonly ProductVersion[]): void {
  if (!known) {
    throw problem('not-found', 'The catalog has never known a product with this id.', {
      headers: MISSING_HEADERS,
    });
  }
  if (known.withdrawn) {
    throw problem('gone', 'This product is no longer sold. GET /products?ids= still shows its last state.', {
      headers: MISSING_HEADERS,
    });
  }
}

function refuseSearch(given: Search): void {
  const names = Object.keys(given);
  if (names.length === 0) return;
  throw problem('invalid', 'Request products by their ids or by a search, not by both.', {
    errors: names.map((name) => ({ path: `query.${name}`, message: 'must not be combined with ids' })),
  });
}
