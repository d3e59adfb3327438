import { expect, test } from '@jest/globals';
import { readArguments, USAGE } from './arguments.ts';
import { SCENARIOS } from './scenarios.ts';

test('runs every scenario for ten minutes by a new seed by default', () => {
  expect(readArguments([], 99)).toEqual({
    minutes: 10,
    seed: 99,
    scenarios: Object.keys(SCENARIOS),
    kills: 0,
    brokers: 0,
  });
});

test('reads minutes, seed, scenario, kills and the source of the events', () => {
  const words = ['--minutes', '3', '--seed=5', '--scenario', 'kills', '--kills', '200', '--events', 'kafka'];
  expect(readArguments(words, 99)).toEqual({
    minutes: 3,
    seed: 5,
    scenarios: ['kills'],
    kills: 200,
    brokers: 3,
  });
});

test('returns nothing for --help, which names every scenario', () => {
  expect(readArguments(['--help'], 99)).toBeUndefined();
  for (const name of Object.keys(SCENARIOS)) expect(USAGE).toContain(name);
});

test.each([
  [['--minutes', 'ten'], /--minutes/],
  [['--seed', '-1'], /seed/],
  [['--scenario', 'toString'], /no scenario "toString"/],
  [['--events', 'pigeon'], /feed or kafka/],
  [['--colour'], /colour/],
  [['kills'], /kills/],
] as const)('refuses %j', (words, message) => {
  expect(() => readArguments(words, 99)).toThrow(message);
});
