import type { Pace } from '../imports/pace.ts';
import { rewriteUnchanged } from '../product.ts';
import type { CatalogWriter } from '../store/store.ts';

/** Products that are written together; a single change may have to wait for so many. */
const MAX_TOGETHER = 50;

/**
 * Tells the words of products anew that were told apart by older rules, or by a worker of the version before, until none
 * is left or this worker is `ending`. What was done is done: whoever begins next finds only the rest. No version and no
 * event comes of it. Any number of workers may do so at once; some products are written twice then.
 */
export async function refreshSearchWords(
  { products, outdatedSearch }: Pick<CatalogWriter, 'products' | 'outdatedSearch'>,
  { pace, ending }: { readonly pace: Pace; readonly ending: AbortSignal },
): Promise<void> {
  for (let found = MAX_TOGETHER; found === MAX_TOGETHER && !ending.aborted; ) {
    const ids = await outdatedSearch(MAX_TOGETHER);
    if (ids.length > 0) await pace(() => Promise.all(ids.map((id) => products.change(id, rewriteUnchanged))));
    found = ids.length;
  }
}
