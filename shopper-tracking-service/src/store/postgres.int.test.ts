import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CartEvent, cartEventExamples } from '@micromart/contracts/cart-events';
import { inTransaction } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { oldestAnsweredMinute, oldestKeptMinute, roundDown, STEP_MS } from '../buckets.ts';
import { type Counts, NOTHING, tally } from '../counts.ts';
import { type List, type Product, SORTS } from '../list.ts';
import { inOrder, isCounted, withRatios } from '../testing/ordered.ts';
import { openStore } from './open-store.ts';
import { createMinuteSweep } from './postgres-sweep.ts';
import type { CountStore } from './store.ts';

const NOW = new Date('2026-11-20T12:34:56Z');
const DAYS = 9;
const PRODUCTS = 12;
const BATCH = 50;

/** Draws by a seed, so that every run sees the same history. */
function draws(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function history(): CartEvent[] {
  const draw = draws(7);
  return Array.from({ length: 3_000 }, () => {
    const ageMs = Math.floor(draw() * DAYS * STEP_MS.day);
    const time = new Date(NOW.getTime() - ageMs).toISOString();
    // What was asked for most in the first days has hardly been asked for since.
    const name = ageMs > 3 * STEP_MS.day || draw() < 0.02 ? 'former' : 'p';
    const line = () => ({
      productId: draw() < 0.05 ? '__proto__' : `${name}${Math.floor(draw() * PRODUCTS)}`,
      quantity: 1 + Math.floor(draw() * 5),
    });
    if (draw() < 0.1) {
      const example = cartEventExamples['cart.closed'];
      const lines = new Map(
        Array.from({ length: Math.floor(draw() * 6) }, line).map((one) => [one.productId, one]),
      );
      const reason = draw() < 0.6 ? ('bought' as const) : ('abandoned' as const);
      return { ...example, time, data: { ...example.data, reason, items: [...lines.values()] } };
    }
    const example = cartEventExamples[draw() < 0.8 ? 'cart.item-added' : 'cart.item-removed'];
    return { ...example, time, data: { ...example.data, ...line() } };
  });
}

/** What an event counts, and the lines that it counts it for. */
function countedBy(event: CartEvent) {
  if (event.type === 'cart.item-added')
    return { times: 'added', units: 'unitsAdded', lines: [event.data] } as const;
  if (event.type === 'cart.item-removed') {
    return { times: 'removed', units: 'unitsRemoved', lines: [event.data] } as const;
  }
  if (event.type !== 'cart.closed') throw new Error(`${event.type} counts nothing`);
  const lines = event.data.items!;
  return event.data.reason === 'bought'
    ? ({ times: 'bought', units: 'unitsBought', lines } as const)
    : ({ times: 'abandoned', units: 'unitsAbandoned', lines } as const);
}

const events = history();

/** The same question put to the events themselves. */
function recount(productId: string, fromMs: number, toMs: number): Counts {
  const counts = { ...NOTHING } as { -readonly [K in keyof Counts]: number };
  for (const event of events) {
    if (Date.parse(event.time) < fromMs || Date.parse(event.time) >= toMs) continue;
    const { times, units, lines } = countedBy(event);
    for (const line of lines.filter((one) => one.productId === productId)) {
      counts[times] += 1;
      counts[units] += line.quantity;
    }
  }
  return counts;
}

const minutesFrom = oldestAnsweredMinute(NOW.getTime());
const KEPT = { minutesFrom, quartersFrom: Number.NEGATIVE_INFINITY };
const until = (to: number) => ({ to, minutesFrom });

const products = [
  ...new Set(events.flatMap((event) => countedBy(event).lines.map(({ productId }) => productId))),
];

let database: TestDatabase;
let store: CountStore;

beforeAll(async () => {
  database = await openTestDatabase();
  store = await openStore(
    database.url,
    () => {},
    () => NOW,
  );
  for (let at = 0; at < events.length; at += 700) {
    await inTransaction(store.pool, (client) =>
      executeAll(client, store.addition(tally(events.slice(at, at + 700), NOW))),
    );
  }
});

afterAll(async () => {
  await store.close();
  await database.close();
});

const ask = <T>(question: (client: Parameters<CountStore['total']>[0]) => Promise<T>): Promise<T> =>
  inTransaction(store.pool, question);

const listAll = async (list: Omit<List, 'after' | 'limit'>, limit: number): Promise<Product[]> => {
  const all: Product[] = [];
  for (;;) {
    const last = all.at(-1);
    const after = last && { value: last[list.sort], productId: last.productId };
    const page = await ask((client) => store.list(client, { ...list, after, limit }));
    all.push(...page);
    if (page.length < limit) return all;
  }
};

test('answers the total of each product as the events themselves do, zeros where there is nothing', async () => {
  for (const productId of [...products, 'never-seen']) {
    expect(await ask((client) => store.total(client, productId))).toEqual(recount(productId, 0, Infinity));
  }
});

test('answers how a product stood at a time as the events themselves do', async () => {
  for (let hours = 0; hours < DAYS * 24; hours += 7) {
    const toMs = roundDown(NOW.getTime() - hours * STEP_MS.hour - 123_456, KEPT);
    expect(await ask((client) => store.within(client, 'p1', until(toMs)))).toEqual(recount('p1', 0, toMs));
  }
  expect(await ask((client) => store.within(client, 'p1', until(0)))).toEqual(NOTHING);
});

describe('a list', () => {
  test.each(SORTS)('by %s, up or down, is in order and complete page by page', async (sort) => {
    for (const descending of [true, false]) {
      const all = await listAll({ sort, descending, minAdded: 0 }, 4);
      expect(new Set(all.map(({ productId }) => productId))).toEqual(new Set(products));
      expect(all).toHaveLength(products.length);
      expect(all).toEqual(all.toSorted(inOrder(sort, descending)));
    }
  });

  test('of a window counts what fell into it, and nothing else', async () => {
    const to = roundDown(NOW.getTime() - 5_000_000, KEPT);
    for (const hours of [0, 1, 30, 47, 49, 120]) {
      const from = roundDown(to - hours * STEP_MS.hour, KEPT);
      const all = await listAll(
        { sort: 'added', descending: true, minAdded: 0, window: { from, to, minutesFrom } },
        1_000,
      );
      for (const { productId, ...counts } of all) {
        expect(counts).toEqual(withRatios(recount(productId, from, to)));
      }
      const missing = products.filter((id) => !all.some(({ productId }) => productId === id));
      for (const productId of missing) expect(recount(productId, from, to)).toEqual(NOTHING);
    }
  });

  test('of a window begins with the same products, however few are asked for', async () => {
    const to = roundDown(NOW.getTime() - 5_000_000, KEPT);
    for (const hours of [1, 7, 30, 120]) {
      const window = { from: roundDown(to - hours * STEP_MS.hour, KEPT), to, minutesFrom };
      for (const [sort, minAdded] of SORTS.flatMap((one) => [0, 3].map((least) => [one, least] as const))) {
        const expected = products
          .map((productId) => ({ productId, ...recount(productId, window.from, to) }))
          .filter((counts) => counts.added >= minAdded && isCounted(counts))
          .map(withRatios)
          .sort(inOrder(sort, true));
        for (const limit of [1, 2, 5]) {
          const list = { sort, descending: true, minAdded, window, limit };
          expect(await ask((client) => store.list(client, list))).toEqual(expected.slice(0, limit));
        }
      }
    }
  });

  test('leaves out what was added too seldom', async () => {
    const all = await listAll({ sort: 'added', descending: true, minAdded: 100 }, 1_000);
    expect(all.map(({ productId }) => productId).sort()).toEqual(
      products.filter((productId) => recount(productId, 0, Infinity).added >= 100).sort(),
    );
  });
});

test('sweeps the minutes that are no longer kept, and answers the same afterwards', async () => {
  const later = new Date(NOW.getTime() + STEP_MS.day);
  const minutes = createMinuteSweep(store.pool, () => later);
  expect(await minutes.overdueS()).toBeGreaterThan(0);
  const { rows } = await database.admin.query<{ due: number }>(
    'SELECT count(*) AS due FROM counts_by_minute WHERE bucket < $1',
    [new Date(oldestKeptMinute(later.getTime()))],
  );
  expect(rows[0]!.due).toBeGreaterThan(BATCH);
  let swept = 0;
  for (let batch = BATCH; batch === BATCH; swept += batch) batch = await minutes.sweep(BATCH);
  expect(swept).toBe(rows[0]!.due);
  expect(await minutes.overdueS()).toBe(0);
  const toMs = oldestAnsweredMinute(later.getTime()) - STEP_MS.hour;
  expect(await ask((client) => store.within(client, 'p1', until(toMs)))).toEqual(recount('p1', 0, toMs));
});
