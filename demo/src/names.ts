import { readRows } from './csv-file.ts';

/** The names of the products asked for, from a catalog file with the columns product_id and name. */
export async function readNames(file: string, wanted: ReadonlySet<string>): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for await (const [productId, name] of readRows(file, ['product_id', 'name']))
    if (wanted.has(productId!)) names.set(productId!, name!);
  return names;
}
