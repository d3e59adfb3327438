import { expect, test } from '@jest/globals';
import { createWatermark } from './watermark.ts';

const at = (seconds: number) => new Date(seconds * 1_000);

test('says nothing before the head is reached, and its time once when it is', () => {
  const mark = createWatermark<Date>();
  mark.set(10, at(1));
  expect(mark.reached(9)).toBeUndefined();
  expect(mark.reached(10)).toEqual(at(1));
  expect(mark.reached(10)).toBeUndefined();
});

test('gets fresher while the head runs ahead of the position for ever', () => {
  const mark = createWatermark<Date>();
  const reached: (Date | undefined)[] = [];
  for (let i = 1; i <= 100; i += 1) {
    mark.set(i * 10, at(i));
    reached.push(mark.reached(i * 10 - 5));
  }
  expect(reached.filter(Boolean).length).toBeGreaterThan(40);
});

test('takes the newest time of an idle partition', () => {
  const mark = createWatermark<Date>();
  for (let i = 1; i <= 5; i += 1) mark.set(10, at(i));
  expect(mark.reached(10)).toEqual(at(5));
});
