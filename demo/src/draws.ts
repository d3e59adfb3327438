import { createHash } from 'node:crypto';

/** Draws a whole number from 0 to `count` - 1. */
export type Draw = (count: number) => number;

/** Random draws by seed: the same text gives the same draws on every machine (SHA-256 for the start, then mulberry32). */
export function createDraw(seed: string): Draw {
  let state = createHash('sha256').update(seed).digest().readUInt32LE();
  return (count) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  };
}
