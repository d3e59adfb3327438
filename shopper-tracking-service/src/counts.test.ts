import { expect, test } from '@jest/globals';
import { type CartEvent, cartEventExamples } from '@micromart/contracts/cart-events';
import fc from 'fast-check';
import { bucketOf, oldestKeptMinute, STEP_MS } from './buckets.ts';
import { COUNTER_NAMES } from './counters.ts';
import { type BucketOfSums, type Counts, type Sum, tally } from './counts.ts';

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

const sum = (sums: readonly Sum[]): Counts =>
  Object.fromEntries(
    COUNTER_NAMES.map((name, n) => [name, sums.reduce((total, { counts }) => total + counts[n]!, 0)]),
  ) as Counts;

/** A row for each bucket and product. */
const rowsOf = (buckets: readonly BucketOfSums[]) =>
  buckets.flatMap(({ bucket, sums }) => sums.map((one) => ({ bucket, ...one })));

/** The rows of each table; the total's bucket is 0. */
const tablesOf = ({ total, ...steps }: ReturnType<typeof tally>) => ({
  minute: rowsOf(steps.minute),
  quarter: rowsOf(steps.quarter),
  hour: rowsOf(steps.hour),
  day: rowsOf(steps.day),
  total: rowsOf([{ bucket: 0, sums: total }]),
});

test('counts every event and unit once in the total, in quarters, hours and days', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      const { total, quarter, hour, day } = tablesOf(tally(events, NOW));
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
      const parts = [events.slice(0, cut), events.slice(cut)].map((part) => tablesOf(tally(part, NOW)));
      const whole = tablesOf(tally(events, NOW));
      for (const step of ['total', 'minute', 'quarter', 'hour', 'day'] as const) {
        expect(sum(parts.flatMap((part) => part[step]))).toEqual(sum(whole[step]));
      }
    }),
  );
});

test('gives one row for each bucket and product, in order', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      for (const rows of Object.values(tablesOf(tally(events, NOW)))) {
        const keys = rows.map(({ bucket, productId }) => [bucket, productId] as const);
        expect(new Set(keys.map(String)).size).toBe(keys.length);
        expect(keys).toEqual(keys.toSorted((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1)));
      }
    }),
  );
});

test('each bucket is a recount of its events, and the only one has the total itself', () => {
  const timeOf = ({ time }: CartEvent) => Date.parse(time);
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const sums = tally(events, NOW);
      const minutesFrom = oldestKeptMinute(NOW.getTime());
      for (const step of ['minute', 'quarter', 'hour', 'day'] as const) {
        const counted = events.filter((one) => step !== 'minute' || timeOf(one) >= minutesFrom);
        for (const { bucket, sums: some } of sums[step])
          expect(some).toEqual(
            tally(
              counted.filter((one) => bucketOf(timeOf(one), step) === bucket),
              NOW,
            ).total,
          );
        const isWhole = sums[step].length === 1 && counted.length === events.length;
        expect(sums[step][0]?.sums === sums.total).toBe(isWhole);
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

test('counts nothing for events that concern no product', () => {
  const close = cartEventExamples['cart.closed'];
  const { items: _, ...older } = close.data;
  const { total } = tally(
    [
      cartEventExamples['cart.shopper-forgotten'],
      { ...close, data: { ...close.data, items: [] } },
      { ...close, data: older },
    ],
    NOW,
  );
  expect(total).toEqual([]);
});

test('counts each product of a closed cart once, with its units, when the cart was closed', () => {
  const close = cartEventExamples['cart.closed'];
  const items = [
    { productId: '1', quantity: 3 },
    { productId: '__proto__', quantity: 5 },
  ];
  const events = (['bought', 'abandoned', 'abandoned'] as const).map((reason, n) => ({
    ...close,
    time: new Date(NOW.getTime() - n * STEP_MS.hour).toISOString(),
    data: { ...close.data, reason, items },
  }));
  const { total, hour } = tablesOf(tally(events, NOW));
  const none = { added: 0, removed: 0, unitsAdded: 0, unitsRemoved: 0 };
  expect(total.map(({ productId }) => productId)).toEqual(['1', '__proto__']);
  expect(sum([total[0]!])).toEqual({ ...none, bought: 1, unitsBought: 3, abandoned: 2, unitsAbandoned: 6 });
  expect(sum([total[1]!])).toEqual({ ...none, bought: 1, unitsBought: 5, abandoned: 2, unitsAbandoned: 10 });
  expect(hour.map(({ bucket }) => bucket)).toEqual(
    [2, 2, 1, 1, 0, 0].map((n) => NOW.getTime() - n * STEP_MS.hour),
  );
});
