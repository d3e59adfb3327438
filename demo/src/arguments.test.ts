import { expect, test } from '@jest/globals';
import { readArguments } from './arguments.ts';

const defaults = { baskets: 'baskets.csv.gz', catalog: 'catalog.csv.gz' };

test('replays the small data with 32 carts at a time unless told otherwise', () => {
  expect(readArguments([], defaults)).toEqual({
    ...defaults,
    limit: Number.POSITIVE_INFINITY,
    seed: 1,
    concurrency: 32,
  });
  expect(
    readArguments(['--baskets', 'b.csv', '--limit=5', '--seed', '0', '--concurrency', '64'], defaults),
  ).toEqual({ baskets: 'b.csv', catalog: 'catalog.csv.gz', limit: 5, seed: 0, concurrency: 64 });
  expect(readArguments(['--help'], defaults)).toBe('help');
});

test.each([
  ['--limit', '0'],
  ['--limit', '1e3'],
  ['--seed', '-1'],
  ['--concurrency', '513'],
  ['--baskets'],
  ['--fast'],
  ['baskets.csv'],
])('refuses %s %s', (...args) => {
  expect(() => readArguments(args.filter(Boolean), defaults)).toThrow(/--/);
});
