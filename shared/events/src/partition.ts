/** The number of partitions of a new log. It is fixed when the log is created: a key must never change its partition. */
export const PARTITIONS = 16;

const OFFSET_BASIS = 2_166_136_261;
const PRIME = 16_777_619;
const LAST_ASCII = 0x7f;

const utf8 = new TextEncoder();

/**
 * The partition that a key's events belong to: 32-bit FNV-1a of the key's UTF-8, modulo the number of partitions.
 * The hash is that of draft-eastlake-fnv.
 */
export function partitionOf(key: string, partitions: number): number {
  let hash = OFFSET_BASIS;
  for (let n = 0; n < key.length; n += 1) {
    const code = key.charCodeAt(n);
    // Nearly all keys are ASCII, which is its own UTF-8, so they need no encoding (bench/README.md, P4).
    if (code > LAST_ASCII) return hashOf(utf8.encode(key)) % partitions;
    hash = Math.imul(hash ^ code, PRIME);
  }
  return (hash >>> 0) % partitions;
}

function hashOf(bytes: Uint8Array): number {
  let hash = OFFSET_BASIS;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, PRIME);
  return hash >>> 0;
}
