import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compare, format, quantile, requireSame, runRounds, spreadOf, WrongAnswer } from './protocol.ts';

const measures = fc.array(fc.double({ min: 0.1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });

test('runs the legs in turn, and forgets the warm-up', async () => {
  const order: string[] = [];
  let n = 0;
  const leg = (name: string) => ({
    name,
    run: async () => {
      order.push(name);
      n += 1;
      return n;
    },
  });
  const found = await runRounds([leg('A'), leg('B')], { rounds: 2, warmUps: 1, tell: () => {} });
  expect(order.join('')).toBe('ABABAB');
  expect(found).toEqual([
    [3, 5],
    [4, 6],
  ]);
});

test('a wrong answer ends the rounds', async () => {
  const wrong = { name: 'A', run: async () => requireSame('sum', 1, 2) as never };
  await expect(runRounds([wrong], { rounds: 1, warmUps: 0, tell: () => {} })).rejects.toThrow(WrongAnswer);
});

describe('a comparison', () => {
  test('is the ratio of the medians, with the extremes of single rounds', () => {
    expect(compare([10, 30, 20], [1, 2, 4]).ratio).toEqual({ median: 10, least: 5, most: 15 });
  });

  test('holds its median between its extremes', () => {
    fc.assert(
      fc.property(measures, (values) => {
        const { median, least, most } = spreadOf(values);
        expect(least).toBeLessThanOrEqual(median);
        expect(median).toBeLessThanOrEqual(most);
      }),
    );
  });

  test('of nothing is an error', () => expect(() => spreadOf([])).toThrow('nothing was measured'));
});

test('a quantile lies between the two nearest measures', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([1, 2, 3], 1)).toBe(3);
  expect(quantile([7], 0.99)).toBe(7);
});

test('shows three digits', () => {
  expect([format(123_456), format(1_234.5), format(12.345), format(0.012_34)]).toEqual([
    '123,000',
    '1,230',
    '12.3',
    '0.0123',
  ]);
});
