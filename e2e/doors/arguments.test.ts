import { expect, test } from '@jest/globals';
import { PORT_OFFSETS, readArguments, USAGE } from './arguments.ts';

test('by default sends every service a few requests, by a new seed', () => {
  expect(readArguments([], 99)).toEqual({ examples: 1, seed: 99, services: Object.keys(PORT_OFFSETS) });
});

test('reads examples, seed and service', () => {
  const words = ['--examples', '40', '--seed=5', '--service', 'cart-service'];
  expect(readArguments(words, 99)).toEqual({ examples: 40, seed: 5, services: ['cart-service'] });
});

test('returns nothing for --help, which names every service', () => {
  expect(readArguments(['--help'], 99)).toBeUndefined();
  for (const name of Object.keys(PORT_OFFSETS)) expect(USAGE).toContain(name);
});

test.each([
  [['--examples', '0'], '--examples is not a whole number from 1 to 100000'],
  [['--seed', 'x'], '--seed is not a whole number'],
  [['--service', 'shop'], 'there is no service "shop"'],
  [['--else'], 'else'],
])('refuses %j', (words, message) => {
  expect(() => readArguments(words, 99)).toThrow(message);
});
