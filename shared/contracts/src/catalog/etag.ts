import { hash } from 'node:crypto';

/** A product at a version; version 0 stands for a product that the catalog has never known. */
export type VersionedId = { readonly id: string; readonly version: number };

/**
 * The value of the entity tag (without its quotes) of a set of products: `<log>.<digest>`, where the digest is the
 * SHA-256, in base64url, of the lines `id@version`, each id once, sorted by their bytes, with a line feed between them.
 *
 * It depends only on the log, the ids and the versions, so a client that holds some products can form the tag of any set of
 * them. The tag is the same in whatever order the ids were requested, and whichever instance answers.
 */
export function productsTag(log: string, products: readonly VersionedId[]): string {
  // Ids and versions are ASCII, for which the order of UTF-16 code units is that of bytes.
  const lines = products.map(({ id, version }) => `${id}@${version}`).sort();
  const once = lines.filter((line, n) => line !== lines[n - 1]);
  return `${log}.${hash('sha256', once.join('\n'), 'base64url')}`;
}
