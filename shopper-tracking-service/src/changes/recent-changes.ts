/**
 * The last changes that an instance has read, for all its listeners. A listener that does not read fast enough has only the number
 * of the last ones that it was told: the next time it gets what came since in one piece, each product once, with its
 * latest counters. So a slow listener takes no memory of its own.
 */
import { type Chunk, chunkOf, type Found } from './change-events.ts';

export type RecentChanges = {
  append(found: Found): void;
  /** The number of what was appended last. */
  readonly newest: number;
  /** For a listener that was told up to number `told` and stands at `id`; undefined where that is all there is. */
  since(told: number, id: string): (Chunk & { readonly id: string }) | undefined;
};

/** Keeps as many as hold together at most `maxProducts`, but always the newest. */
export function createRecentChanges(maxProducts: number): RecentChanges {
  const kept: Found[] = [];
  let [newest, products] = [0, 0];
  let shared: { readonly told: number; readonly id: string; readonly chunk: Chunk } | undefined;

  function make(told: number, id: string): Chunk {
    const last = kept.at(-1)!.id;
    const wanted = kept.slice(Math.max(0, kept.length - (newest - told)));
    if (newest - told > kept.length) return chunkOf(id, { id: last, reset: 'too-many' });
    const reset = wanted.findLast((found) => 'reset' in found);
    if (reset) return chunkOf(id, { id: last, reset: reset.reset });
    const merged = new Map(wanted.flatMap((found) => ('reset' in found ? [] : [...found.products])));
    return chunkOf(id, { id: last, products: merged });
  }

  return {
    get newest() {
      return newest;
    },
    append(found) {
      kept.push(found);
      newest += 1;
      products += sizeOf(found);
      while (kept.length > 1 && products > maxProducts) products -= sizeOf(kept.shift()!);
      shared = undefined;
    },
    since(told, id) {
      if (told >= newest) return undefined;
      // Nearly all listeners stand at the same place.
      if (shared?.told !== told || shared.id !== id) shared = { told, id, chunk: make(told, id) };
      return { ...shared.chunk, id: kept.at(-1)!.id };
    },
  };
}

const sizeOf = (found: Found): number => ('reset' in found ? 1 : found.products.size);
