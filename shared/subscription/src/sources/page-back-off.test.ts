import { expect, test } from '@jest/globals';
import { createPageBackOff } from './page-back-off.ts';

const create = () => createPageBackOff((failures) => failures * 100);

test('a partition whose page fails waits, longer each time, and no other does', () => {
  const backOff = create();
  expect(backOff.failed(0, 1_000)).toBe(1);
  expect([0, 1].map((partition) => backOff.remainingMs(partition, 1_000))).toEqual([100, 0]);
  expect(backOff.remainingMs(0, 1_200)).toBe(0);
  expect(backOff.failed(0, 1_200)).toBe(2);
  expect(backOff.remainingMs(0, 1_250)).toBe(150);
});

test('a partition whose page succeeds, or where nothing is missing any more, begins anew', () => {
  const backOff = create();
  for (const partition of [0, 0, 1, 1, 1, 2]) backOff.failed(partition, 0);
  expect(backOff.mostFailures()).toBe(3);
  backOff.succeeded(1);
  expect(backOff.mostFailures()).toBe(2);
  backOff.retain([2]);
  expect(backOff.mostFailures()).toBe(1);
  expect([0, 1, 2].map((partition) => backOff.remainingMs(partition, 0))).toEqual([0, 0, 100]);
  backOff.retain([]);
  expect(backOff.mostFailures()).toBe(0);
});
