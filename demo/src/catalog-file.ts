import { readRows } from './csv-file.ts';

/** Reads a catalog file with the columns product_id and name: the number of products, and the names of the given ids. */
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
