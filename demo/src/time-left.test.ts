import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openProgress } from './progress.ts';
import { timeLeft } from './time-left.ts';

test.each([
  [0, '0s left'],
  [0.2, '1s left'],
  [9, '9s left'],
  [12, '10s left'],
  [59, '1m 00s left'],
  [61, '1m 00s left'],
  [185, '3m 05s left'],
  [3_599, '1h 00m left'],
  [7_800, '2h 10m left'],
  [360_001, 'more than 100h left'],
])('%d seconds are %s', (seconds, words) => {
  expect(timeLeft(seconds)).toBe(words);
});

test('is in words, whatever the bar has computed', () => {
  const any = fc.oneof(fc.double(), fc.integer(), fc.constantFrom('0', 'NULL', 'INF', '', undefined, null));
  fc.assert(
    fc.property(any, (eta) => {
      expect(timeLeft(eta)).toMatch(
        /^(\d{1,2}s|\d{1,2}m \d\ds|\d{1,3}h \d\dm|more than 100h) left$|^time left not known yet$/,
      );
    }),
  );
});

test.each([
  ['nothing is done yet', (_: ReturnType<typeof openProgress>) => {}],
  ['no step was made in a while', (bar: ReturnType<typeof openProgress>) => [0, 0, 0].map(bar.reach)],
  ['there is nothing to do', (bar: ReturnType<typeof openProgress>) => bar.reach(0)],
])('the bar says no figure that is none when %s', async (what, work) => {
  const output = new PassThrough();
  const bar = openProgress(what === 'there is nothing to do' ? 0 : 1_000, 'carts', output as never);
  work(bar);
  bar.close();
  output.end();
  const printed = (await output.toArray()).join('');
  expect(printed).not.toMatch(/NaN|NULL|INF|NF|LL|undefined|Infinity/);
  expect(printed).toMatch(/(not known yet|0s left)/);
});
