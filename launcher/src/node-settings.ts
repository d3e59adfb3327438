/**
 * V8 flags, a compile cache and settings of glibc's malloc, with which the launcher runs each service.
 *
 * What for: they fit several services on one small machine with two cores, where they were measured.
 *
 * How to take them out: empty both lists. Nothing else depends on them.
 *
 * Which rows of bench/README.md would show it: P4 (the young generation), P11 (start and memory), H3 (memory of an import).
 */
import { fileURLToPath } from 'node:url';

/**
 * - A young generation of 8 MB: a smaller one is collected while requests are in flight, so their objects are copied too; a
 *   larger one gains nothing more.
 * - The main thread collects it: helper threads would compete for cores with the database.
 * - The old generation grows to twice its live size before it is collected, not to four times. This keeps a process that
 *   wrote for minutes smaller.
 */
export const NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=8',
  '--no-parallel-scavenge',
  '--heap-growing-percent=100',
];

/**
 * The compile cache contains the compiled code without types. compile-main.ts fills it, and Node adds what changes later. A
 * service starts faster and smaller from it, so it is also back sooner after a crash. The cache is with the installed packages,
 * because it belongs to the code and not to the data.
 *
 * glibc returns memory at a fixed threshold instead of one that grows with the largest freed piece: a worker is smaller after
 * an import, and no slower.
 */
export const NODE_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '131072',
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/micromart', import.meta.url)),
};
