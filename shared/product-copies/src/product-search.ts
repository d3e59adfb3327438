import { productId } from '@micromart/contracts/product-id';
import type { CachingClient } from '@micromart/http-cache/caching-client';
import { z } from 'zod';

/** As many as the catalog gives in one page. */
export const MAX_FOUND = 1_000;

/** What a search of the catalog found. `isWhole`: there are no more. */
export type Found = { readonly ids: readonly string[]; readonly isWhole: boolean };

/**
 * Finds products that are sold, by the words of their names, brands, categories and ids; the first 1,000 by id. Undefined
 * when the catalog cannot be asked. Never rejects for what the catalog does.
 */
export type ProductSearch = (words: string) => Promise<Found | undefined>;

const page = z.object({
  items: z.array(z.object({ id: productId })),
  next: z.string().nullable(),
});

export function createProductSearch({
  client,
  catalogUrl,
  token,
}: {
  client: Pick<CachingClient, 'get'>;
  /** The catalog's address: products are at `<catalogUrl>/products`. */
  catalogUrl: string;
  token: () => Promise<string>;
}): ProductSearch {
  const base = `${catalogUrl.replace(/\/$/, '')}/products?limit=${MAX_FOUND}&q=`;

  return async (words) => {
    try {
      const { status, text } = await client.get(base + encodeURIComponent(words), {
        headers: { authorization: `Bearer ${await token()}` },
      });
      // It refuses words without any letter or digit: nothing is named so.
      if (status === 400) return { ids: [], isWhole: true };
      if (status !== 200) return undefined;
      const { items, next } = page.parse(JSON.parse(text));
      return { ids: items.map(({ id }) => id), isWhole: next === null };
    } catch {
      return undefined;
    }
  };
}
