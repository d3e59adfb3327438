import { expect, test } from '@jest/globals';
import { type CartEvent, cartEventExamples } from '@micromart/contracts/cart-events';
import fc from 'fast-check';
import { STEP_MS } from './buckets.ts';
import { COUNTER_NAMES } from './counters.ts';
import { type Counts, NOTHING, type Row, removalRatio, tally } from './counts.ts';

const NOW = new Date('2026-11-01T12:00:00Z');

const event = fc
  .record({
    type: fc.constantFrom('cart.item-added' as const, 'cart.item-removed' as const),
    productId: fc.constantFrom('1', '2', '__proto__'),
    quantity: fc.integer({ min: 1, max: 999 }),
    ageMs: fc.integer({ min: 0, max: 5 * STEP_MS.day }),
  })
  .map(({ type, productId, quantity, ageMs }): CartEvent => {
    const example = cartEventExamples[type];
    const time = new Date(NOW.getTime() - ageMs).toISOString();
    return { ...example, time, data: { ...example.data, productId, quantity } };
  });

const sum = (rows: readonly Row[]): Counts =>
  Object.fromEntries(
    COUNTER_NAMES.map((name, n) => [name, rows.reduce((total, { counts }) => total + counts[n]!, 0)]),
  ) as Counts;

test('counts every event and unit once in the total, in quarters, hours and days', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      const { total, quarter, hour, day } = tally(events, NOW);
      const expected = {
        added: events.filter(({ type }) => type === 'cart.item-added').length,
        removed: events.filter(({ type }) => type === 'cart.item-removed').length,
      };
      for (const rows of [total, quarter, hour, day]) expect(sum(rows)).toMatchObject(expected);
      expect(sum(quarter)).toEqual(sum(total));
      expect(sum(hour)).toEqual(sum(total));
      expect(sum(day)).toEqual(sum(total));
    }),
  );
});

test('comes to the same however events are put into batches', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.nat({ max: 60 }), (events, cut) => {
      const parts = [tally(events.slice(0, cut), NOW), tally(events.slice(cut), NOW)];
      const whole = tally(events, NOW);
      for (const step of ['total', 'minute', 'quarter', 'hour', 'day'] as const) {
        expect(sum(parts.flatMap((part) => part[step]))).toEqual(sum(whole[step]));
      }
    }),
  );
});

test('gives one row for each bucket and product, in order', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      for (const rows of Object.values(tally(events, NOW))) {
        const keys = rows.map(({ bucket, productId }: Row) => [bucket, productId] as const);
        expect(new Set(keys.map(String)).size).toBe(keys.length);
        expect(keys).toEqual(keys.toSorted((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1)));
      }
    }),
  );
});

test('leaves out minutes that are no longer kept', () => {
  const old = { ...cartEventExamples['cart.item-added'], time: '2026-10-01T00:00:00.000Z' };
  const { minute, hour } = tally([old], NOW);
  expect(minute).toEqual([]);
  expect(hour).toHaveLength(1);
});

test('counts nothing for events that move no product', () => {
  const { total } = tally(
    [cartEventExamples['cart.closed'], cartEventExamples['cart.shopper-forgotten']],
    NOW,
  );
  expect(total).toEqual([]);
});

test('takes the removal ratio of a product that was never added for 0', () => {
  expect(removalRatio(NOTHING)).toBe(0);
  expect(removalRatio({ ...NOTHING, added: 4, removed: 1 })).toBe(0.25);
});
