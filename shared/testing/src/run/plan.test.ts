import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { describePlan, estimateSeconds, type PlannedSuite, splitWorkers } from './plan.ts';

const suite = (seconds: number, heavy = false): PlannedSuite => ({
  seconds,
  needs: { heavy, kafka: false, mongodb: false, chromium: false },
});
const all = { quick: false };

describe('workers', () => {
  const suites = fc.array(
    fc
      .record({ seconds: fc.nat({ max: 500 }), heavy: fc.boolean() })
      .map(({ seconds, heavy }) => suite(seconds, heavy)),
    { maxLength: 30 },
  );

  test('are never more than asked for, unless one is asked for and there are two lanes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 64 }), suites, (workers, all) => {
        const lanes = splitWorkers(workers, all);
        const heavy = all.filter(({ needs }) => needs.heavy).length;
        expect(lanes.heavy + lanes.light).toBeLessThanOrEqual(workers);
        expect(lanes.heavy > 0).toBe(heavy > 0);
        expect(lanes.light > 0).toBe(heavy < all.length || all.length === 0);
      }),
    );
  });

  test('run heavy suites with half of them at most', () => {
    expect(splitWorkers(4, [suite(500, true), suite(500, true), suite(500, true), suite(1)])).toEqual({
      heavy: 2,
      light: 2,
    });
  });

  test('run as many heavy suites at once as let both lanes end early', () => {
    expect(splitWorkers(4, [suite(50, true), suite(50, true), suite(200), suite(200), suite(200)])).toEqual({
      heavy: 1,
      light: 3,
    });
  });
});

describe('a run takes', () => {
  test.each([
    [
      'as long as the heavy suites, where those are longest',
      4,
      [suite(60, true), suite(60, true), suite(50)],
      60,
    ],
    ['longer where these take turns', 2, [suite(60, true), suite(60, true), suite(90)], 120],
    [
      'as long as the light ones on the workers that are left',
      3,
      [suite(10, true), suite(60), suite(60), suite(60)],
      120,
    ],
    ['as long as its longest suite', 8, [suite(10, true), suite(100), suite(5)], 100],
    ['as long as all together on one worker', 1, [suite(10, true), suite(20)], 30],
  ])('%s', (_, workers, suites, seconds) => {
    expect(estimateSeconds(workers, suites)).toBe(seconds);
  });
});

describe('the first line of a run says', () => {
  test('how many suites run on how many workers, and how long', () => {
    const suites = [suite(300, true), suite(120, true), suite(300, true), suite(30)];
    expect(describePlan(4, suites, all)).toBe(
      '4 suites, on 4 workers, 3 heavy ones 2 at a time: about 7 min, by earlier runs',
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
