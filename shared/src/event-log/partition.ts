/** Partitions of a new log. Fixed when the log is created: a key must never change its partition. */
export const PARTITIONS = 16;

const utf8 = new TextEncoder();

/**
 * The partition that a key's events belong to: 32-bit FNV-1a of the key's UTF-8, modulo the number of partitions.
 * The hash is that of draft-eastlake-fnv (offset basis 2166136261, prime 16777619).
 */
export function partitionOf(key: string, partitions: number): number {
  let hash = 2_166_136_261;
  for (const byte of utf8.encode(key)) hash = Math.imul(hash ^ byte, 16_777_619);
  return (hash >>> 0) % partitions;
}
