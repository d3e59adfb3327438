import { readRows } from './csv-file.ts';

/** What a catalog file with the columns product_id and name holds: how many products, and the names of those asked for. */
export async function readCatalog(
  file: string,
  wanted: ReadonlySet<string>,
): Promise<{ products: number; names: Map<string, string> }> {
  const names = new Map<string, string>();
  let products = 0;
  for await (const [productId, name] of readRows(file, ['product_id', 'name'])) {
    products++;
    if (wanted.has(productId!)) names.set(productId!, name!);
  }
  return { products, names };
}
