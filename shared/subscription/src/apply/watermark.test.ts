import { expect, test } from '@jest/globals';
import { createWatermark } from './watermark.ts';

const at = (seconds: number) => new Date(seconds * 1_000);

test('gives nothing before the head is reached, and its time once when it is', () => {
  const watermark = createWatermark<Date>();
  watermark.set(10, at(1));
  expect(watermark.reached(9)).toBeUndefined();
  expect(watermark.reached(10)).toEqual(at(1));
  expect(watermark.reached(10)).toBeUndefined();
});

test('grows although the head always stays ahead of the position', () => {
  const watermark = createWatermark<Date>();
  const reached: (Date | undefined)[] = [];
  for (let i = 1; i <= 100; i += 1) {
    watermark.set(i * 10, at(i));
    reached.push(watermark.reached(i * 10 - 5));
  }
  expect(reached.filter(Boolean).length).toBeGreaterThan(40);
});

test('takes the newest time of an idle partition', () => {
  const watermark = createWatermark<Date>();
  for (let i = 1; i <= 5; i += 1) watermark.set(10, at(i));
  expect(watermark.reached(10)).toEqual(at(5));
});
