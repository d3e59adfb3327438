import type { Pace } from '../imports/pace.ts';
import { rewriteUnchanged } from '../product.ts';
import type { CatalogWriter } from '../store/store.ts';

/** Products that are written together; a single change may have to wait for all of them. */
const MAX_TOGETHER = 50;

/**
 * Rewrites the search words of products whose words were made by older rules, or by a worker of the version before, until
 * none is left or `ending` aborts. After an interruption the next run continues with the rest. It adds no version and no
 * event. Several workers may run it at once; some products are then written twice.
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
