import { decideDue } from '../product.ts';
import type { CatalogWriter } from '../store/store.ts';

const MAX_TOGETHER = 1_000;

/**
 * Writes down scheduled prices that are due, with their events, the longest due first. Readers have been given them
 * since their moment; this only makes their versions durable. Any number of workers may do so at once.
 */
export async function writeDuePrices(
  { products, due }: Pick<CatalogWriter, 'products' | 'due'>,
  now: Date,
): Promise<void> {
  const ids = await due(now, MAX_TOGETHER);
  await Promise.all(ids.map((id) => products.change(id, decideDue(id, now))));
}
