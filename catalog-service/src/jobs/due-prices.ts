import { decideDue } from '../product.ts';
import type { CatalogWriter } from '../store/store.ts';

const MAX_TOGETHER = 1_000;

/**
 * Stores scheduled prices that are due, with their events, the longest due first. Readers have seen these prices since
 * their moment; this makes their versions durable. Several workers may run it at once.
 */
export async function writeDuePrices(
  { products, due }: Pick<CatalogWriter, 'products' | 'due'>,
  now: Date,
): Promise<void> {
  const ids = await due(now, MAX_TOGETHER);
  await Promise.all(ids.map((id) => products.change(id, decideDue(id, now))));
}
