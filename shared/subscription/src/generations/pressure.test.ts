import { expect, test } from '@jest/globals';
import { type Load, shareOf } from './pressure.ts';

const LITTLE = 0.2;
const NEXT = 'model~2';
const live = (load: Partial<Load> = {}): Load => ({
  ...{ name: 'model', live: true, asked: false, applied: 1_000, lag: 0 },
  ...load,
});
const next = (load: Partial<Load> = {}): Load => ({
  ...{ name: NEXT, live: false, asked: false, applied: 100, lag: 900 },
  ...load,
});
const quiet = [live(), next()];

test.each<[string, number, Load[], Load[]]>([
  ['little before the first look', LITTLE, [], []],
  ['little until a second look shows that nothing is applied', LITTLE, quiet, []],
  ['all while the live one has nothing to do', 1, [live(), next({ applied: 200, lag: 800 })], quiet],
  ['little while the live one is asked', LITTLE, [live({ asked: true }), next({ lag: 800 })], quiet],
  ['little while the live one applies events', LITTLE, [live({ applied: 1_001 }), next({ lag: 800 })], quiet],
  ['all while it falls behind for that', 1, [live({ asked: true }), next({ lag: 901 })], quiet],
  ['little while the live one falls behind as well', LITTLE, [live({ lag: 1 }), next({ lag: 901 })], quiet],
  ['little while the live one falls behind and is idle', LITTLE, [live({ lag: 1 }), next()], quiet],
  ['little when it is not known', LITTLE, [live()], [live()]],
  ['little while no generation is known to be live', LITTLE, [next()], [next()]],
])('what is beside the live generation takes %s', (_, share, now, before) => {
  expect(shareOf(NEXT, now, before)).toBe(share);
});
