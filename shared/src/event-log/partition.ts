/** Partitions of a new log. Fixed when the log is created: a key must never change its partition. */
export const PARTITIONS = 16;

const utf8 = new TextEncoder();

/**
 * The partition that a key's events belong to: 32-bit FNV-1a of the key's UTF-8, modulo the number of partitions.
 * The hash is that of draft-eastlake-fnv (offset basis 2166136261, prime 16777619).
 */
export function partitionOf(key: string, partitions: number): number {
  const bytes = utf8.encode(key);
  let hash = 2_166_136_261;
  for (let n = 0; n < bytes.length; n += 1) hash = Math.imul(hash ^ bytes[n]!, 16_777_619);
  return (hash >>> 0) % partitions;
}
