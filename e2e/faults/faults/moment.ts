/** Where and when a fault strikes. */
import type { Draw } from '@micromart/demo/draws';
import type { Load } from '../load/load.ts';
import type { Side } from '../system/side.ts';
import type { System } from '../system/system.ts';
import type { Struck } from './fault.ts';

/** For how long a process or a connection is held, where nothing is to be noticed but the delay. */
export const LEAST_HOLD_MS = 200;
const MOST_HOLD_MS = 1_500;

export const sideOf = ({ sides }: System, draw: Draw): Side => sides[draw(sides.length)]!;

/** A side that has the process itself. */
export function sideWith(name: string, { sides }: System, draw: Draw): Side {
  const having = sides.filter((side) => name === 'launcher' || side.has(name));
  return having[draw(having.length)]!;
}

export const between = (draw: Draw, least: number, most: number): number => least + draw(most - least);

/** A short time. */
export const shortly = (draw: Draw): number => between(draw, LEAST_HOLD_MS, MOST_HOLD_MS);

/** Strikes at a moment when enough writes are in flight. */
export async function strikeNow(load: Load, strike: () => void): Promise<Struck> {
  const inFlight = await load.crowded();
  strike();
  return { atMs: Date.now(), inFlight };
}
