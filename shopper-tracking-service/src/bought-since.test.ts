import { expect, test } from '@jest/globals';
import { type CartEvent, cartEventExamples } from '@micromart/contracts/cart-events';
import { boughtSince, linesCompleteFrom } from './bought-since.ts';
import { CLOSES_SINCE } from './shape.ts';

const close = cartEventExamples['cart.closed'];
const { items: _, ...withoutLines } = close.data;

const olderClose = (time: string): CartEvent => ({ ...close, time, data: withoutLines });

test('a batch whose closes say what was in the carts moves nothing', () => {
  expect(linesCompleteFrom([])).toBeUndefined();
  expect(linesCompleteFrom([cartEventExamples['cart.item-added'], close])).toBeUndefined();
  expect(linesCompleteFrom([{ ...close, data: { ...close.data, items: [] } }])).toBeUndefined();
});

test('lines are complete from the quarter hour on that begins after the latest close without them', () => {
  const times = ['2026-11-01T09:44:59.999Z', '2026-11-01T09:45:00.000Z', '2026-11-01T08:00:00.000Z'];
  const from = linesCompleteFrom(times.map(olderClose));
  expect(new Date(from!).toISOString()).toBe('2026-11-01T10:00:00.000Z');
});

test('a generation from before closes were counted has no such time, however its closes look', () => {
  expect(boughtSince(CLOSES_SINCE - 1, Number.NEGATIVE_INFINITY)).toBeNull();
  expect(boughtSince(CLOSES_SINCE, Number.NEGATIVE_INFINITY)).toBe('1970-01-01T00:00:00.000Z');
  expect(boughtSince(CLOSES_SINCE + 1, Date.UTC(2026, 10, 1))).toBe('2026-11-01T00:00:00.000Z');
});
