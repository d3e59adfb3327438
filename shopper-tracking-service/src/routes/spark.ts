/** Lines of a list's products: their counters day by day, as bare numbers. */
import { problem } from '@micromart/http/problem';
import type { Client } from '@micromart/postgres/pool';
import { z } from 'zod';
import { COUNTER_NAMES, type CounterName } from '../counters.ts';
import type { Counts } from '../counts.ts';
import { pointsOf, USUAL_POINTS } from '../series.ts';
import type { CountStore } from '../store/store.ts';
import type { Present } from '../window.ts';
import { clockTime } from '../zone.ts';
import type { ListQuery } from './list-question.ts';

/** Together they are as many rows as are read well within a statement's limit, in whatever zone. */
const MAX_PRODUCTS = 100;
const MAX_DAYS = 92;

export const sparkQuery = {
  spark: z
    .enum(['day'])
    .optional()
    .meta({
      description: `Adds each product's counters day by day, in the time zone: of the window, or of the last ${USUAL_POINTS} days; at most ${MAX_DAYS} days and \`limit\` ${MAX_PRODUCTS}`,
    }),
};

/** A line of numbers for each counter. */
export type Line = { readonly [N in CounterName]: readonly number[] };

/** Where the days begin, as a clock of the zone shows it, and for each product its line. */
export type Spark = { readonly days: readonly string[]; readonly lines: readonly Line[] };

/** Throws `invalid` for more products than lines are drawn for. */
export function requireFewLines(spark: 'day' | undefined, limit: number): void {
  if (!spark || limit <= MAX_PRODUCTS) return;
  throw problem(
    'invalid',
    `With \`spark\` a page has at most ${MAX_PRODUCTS} products: ask for a smaller \`limit\`.`,
    {
      errors: [{ path: 'query.limit', message: `must be at most ${MAX_PRODUCTS} with spark` }],
    },
  );
}

/** Reads the lines. Throws `invalid` for more than 92 days. */
export async function sparkOf(
  store: CountStore,
  client: Client,
  present: Present,
  { from, to, tz }: ListQuery,
  ids: readonly string[],
): Promise<Spark> {
  const points = pointsOf({ from, to, step: 'day', zone: tz }, present);
  if (points.starts.length > MAX_DAYS) {
    throw problem(
      'invalid',
      `A \`spark\` has at most ${MAX_DAYS} days: ask for \`from\` closer to the end.`,
      {
        errors: [
          { path: 'query.from', message: `must lie at most ${MAX_DAYS} days before the end with spark` },
        ],
      },
    );
  }
  const counted = await store.series(client, ids, points);
  return { days: points.starts.map((start) => clockTime(start, tz)), lines: counted.map(lineOf) };
}

function lineOf(days: readonly Counts[]): Line {
  const line = {} as Record<CounterName, number[]>;
  for (const name of COUNTER_NAMES) line[name] = days.map((counts) => counts[name]);
  return line;
}
