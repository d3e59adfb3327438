import { hash } from 'node:crypto';

/** A product at a version; 0 is the version of one that was never known. */
export type VersionedId = { readonly id: string; readonly version: number };

/**
 * The value of the entity tag (without its quotes) of a set of products: `<log>.<digest>`, where the digest is the
 * SHA-256, in base64url, of the lines `id@version`, each id once, sorted by their bytes, with a line feed between them.
 *
 * It depends on the log, the ids and the versions alone, so whoever holds some products can form the tag of any set of
 * them. Two sets of the same tag are the same, whatever order they were asked for in, and whichever instance answers.
 */
export function productsTag(log: string, products: readonly VersionedId[]): string {
  // Ids and versions are ASCII, in which the order of UTF-16 code units is that of bytes.
  const lines = products.map(({ id, version }) => `${id}@${version}`).sort();
  const once = lines.filter((line, n) => line !== lines[n - 1]);
  return `${log}.${hash('sha256', once.join('\n'), 'base64url')}`;
}
