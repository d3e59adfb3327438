import { parseArgs } from 'node:util';
import type { DemoSettings } from './demo.ts';

export const USAGE = `Usage: npm run demo -- [options]

Makes the running system's catalog import the products, replays real baskets as carts, prints the products
most often put in and taken out again, and compares every counter with what it sent. Exits 1 when one of
them differs.

  --baskets <file>    CSV (.gz: gzipped) with the columns shopper, basket, product, quantity
                      (default: 2,000 baskets of demo/data)
  --catalog <file>    CSV (.gz: gzipped) with the columns product_id, name, department, category, brand,
                      size and price_cents (default: the 1,000 products of demo/data)
  --limit <n>         replay only the first n baskets
  --seed <n>          decides what is taken out again, and which carts are left: about one item, and one cart,
                      of twelve (default 1)
  --concurrency <n>   carts filled at the same time, 1 to 512 (default 32)
  --help              print this

Nobody else should fill carts meanwhile. DATA_DIR chooses the system, as for npm start.
`;

const MAX_CONCURRENCY = 512;

type Arguments = Pick<DemoSettings, 'baskets' | 'catalog' | 'limit' | 'seed' | 'concurrency'>;

/** Reads the command's arguments; throws if one is unknown or out of its range. */
export function readArguments(
  args: readonly string[],
  defaults: { baskets: string; catalog: string },
): Arguments | 'help' {
  const { values } = parse(args);
  if (values.help) return 'help';
  return {
    baskets: values.baskets ?? defaults.baskets,
    catalog: values.catalog ?? defaults.catalog,
    limit: values.limit === undefined ? Number.POSITIVE_INFINITY : readNumber('limit', values.limit, 1),
    seed: readNumber('seed', values.seed ?? '1', 0),
    concurrency: readNumber('concurrency', values.concurrency ?? '32', 1, MAX_CONCURRENCY),
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = { baskets: text, catalog: text, limit: text, seed: text, concurrency: text };
  try {
    return parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean' } } });
  } catch (error) {
    throw new Error(`${(error as Error).message}; npm run demo -- --help shows the options`);
  }
}

function readNumber(name: string, text: string, from: number, to = Number.MAX_SAFE_INTEGER): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= from && value <= to) return value;
  throw new Error(`--${name} ${text} must be a whole number from ${from} to ${to}`);
}
