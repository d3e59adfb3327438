import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { describePlan, estimateSeconds, type PlannedSuite, splitWorkers } from './plan.ts';

const suite = (seconds: number, inTurn = false): PlannedSuite => ({
  seconds,
  needs: { inTurn, slow: false, kafka: false, mongodb: false, chromium: false },
});
const all = { quick: false };

describe('workers', () => {
  test('are never more than asked for, unless one is asked for and there are two lanes', () => {
    const counts = fc.record({ inTurn: fc.nat({ max: 50 }), others: fc.nat({ max: 200 }) });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 64 }), counts, (workers, suites) => {
        const lanes = splitWorkers(workers, suites);
        expect(lanes.inTurn + lanes.others).toBeLessThanOrEqual(workers);
        expect(lanes.inTurn).toBe(suites.inTurn > 0 ? 1 : 0);
        if (suites.others > 0) expect(lanes.others).toBeGreaterThan(0);
      }),
    );
  });
});

describe('a run takes', () => {
  test.each([
    [
      'as long as the suites that take turns, where those are longest',
      4,
      [suite(60, true), suite(60, true), suite(90)],
      120,
    ],
    [
      'as long as the others on the workers that are left',
      3,
      [suite(10, true), suite(60), suite(60), suite(60)],
      90,
    ],
    ['as long as its longest suite', 8, [suite(10, true), suite(100), suite(5)], 100],
    ['as long as all together on one worker', 1, [suite(10, true), suite(20)], 30],
  ])('%s', (_, workers, suites, seconds) => {
    expect(estimateSeconds(workers, suites)).toBe(seconds);
  });
});

describe('the first line of a run says', () => {
  test('how many suites run on how many workers, and how long', () => {
    const suites = [suite(300, true), suite(120, true), suite(30)];
    expect(describePlan(4, suites, all)).toBe(
      '3 suites, on 4 workers, 2 of them one at a time: about 7 min, by earlier runs',
    );
  });

  test('that only the quick ones run', () => {
    expect(describePlan(4, [suite(4), suite(4)], { quick: true })).toBe(
      '2 quick suites, on 4 workers: about 4 s, by earlier runs',
    );
  });

  test('that of one suite only some tests run, which takes at most as long', () => {
    expect(describePlan(1, [suite(10, true)], { ...all, named: 'a cart' })).toBe(
      '1 suite, of them the tests named a cart, on 1 worker: at most 10 s, by earlier runs',
    );
  });
});
