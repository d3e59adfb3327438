/** Carts by when they were started equal a recount of any log, however it falls into batches and partitions interleave. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type CartEvent, cartEventExamples } from '@micromart/contracts/cart-events';
import { inTransaction } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { createApplied } from '@micromart/subscription/freshness/applied';
import { createConsistency } from '@micromart/subscription/freshness/consistency';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import fc from 'fast-check';
import { STEP_MS } from './buckets.ts';
import type { CartCounts } from './carts.ts';
import { trackingRoutes } from './routes.ts';
import { openStore } from './store/open-store.ts';
import type { CountStore } from './store/store.ts';
import { CART_EVENTS, countCartEvents } from './subscriptions.ts';

const START = Date.UTC(2026, 9, 23);
const SPAN_MS = 4 * STEP_MS.day;
/** Before Berlin put back its clock, on the 25th. */
const END = START + SPAN_MS;
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kathmandu'];
const RUNS = 60;

let database: TestDatabase;
let store: CountStore;

beforeAll(async () => {
  database = await openTestDatabase();
  store = await openStore(
    database.url,
    () => {},
    () => new Date(END),
  );
  await database.admin.query('INSERT INTO subscriptions (name, log) VALUES ($1, $2)', [
    CART_EVENTS,
    'cart-1',
  ]);
  await database.admin.query(
    'INSERT INTO subscription_positions (subscription, partition, as_of) VALUES ($1, 0, $2)',
    [CART_EVENTS, new Date(END)],
  );
});

beforeEach(() => empty());

afterAll(async () => {
  await store?.close();
  await database.close();
});

const empty = () => database.admin.query('TRUNCATE open_carts, carts_by_quarter');

/** One life of a cart: its events in order, and what a recount says of it. */
type Life = {
  readonly events: readonly CartEvent[];
  readonly startedMs: number | undefined;
  readonly closedMs: number | undefined;
  readonly outcome: 'bought' | 'abandoned' | 'emptied' | undefined;
};

const aLife = fc
  .record({
    cartId: fc.uuid(),
    startMs: fc.integer({ min: START, max: END - 1 }),
    /** Pauses before each move; true puts in, false takes out. */
    moves: fc.array(fc.record({ pauseMs: fc.integer({ min: 0, max: STEP_MS.hour }), isAdd: fc.boolean() }), {
      maxLength: 6,
    }),
    close: fc.constantFrom(undefined, 'bought' as const, 'abandoned' as const),
    closePauseMs: fc.integer({ min: 0, max: 2 * STEP_MS.day }),
    /** An older event says neither when the cart was started nor what was in it. */
    isOlder: fc.boolean(),
    /** How many of the first events were discarded. */
    discarded: fc.constantFrom(0, 0, 0, 1, 2),
  })
  .map(({ cartId, startMs, moves, close, closePauseMs, isOlder, discarded }): Life => {
    const events: CartEvent[] = [];
    let [timeMs, units] = [startMs, 0];
    let firstMs: number | undefined;
    for (const { pauseMs, isAdd } of moves) {
      if (!isAdd && units === 0) continue;
      timeMs += pauseMs;
      if (isAdd) firstMs ??= timeMs;
      units += isAdd ? 1 : -1;
      const example = cartEventExamples[isAdd ? 'cart.item-added' : 'cart.item-removed'];
      events.push({
        ...example,
        time: written(timeMs),
        data: { ...example.data, cartId, quantity: 1 },
      } as CartEvent);
    }
    const kept = events.slice(discarded);
    const firstKept = kept.find(({ type }) => type === 'cart.item-added');
    const knownMs = firstKept && Date.parse(firstKept.time);
    if (!close) return { events: kept, startedMs: knownMs, closedMs: undefined, outcome: undefined };
    const closedMs = timeMs + closePauseMs;
    const { startedAt: _, items: __, ...older } = cartEventExamples['cart.closed'].data;
    const items = units > 0 ? [{ productId: '1', quantity: units }] : [];
    const data = {
      ...older,
      ...{ cartId, reason: close },
      ...(!isOlder && { items, ...(firstMs !== undefined && { startedAt: written(firstMs) }) }),
    };
    return {
      events: [...kept, { ...cartEventExamples['cart.closed'], time: written(closedMs), data }],
      startedMs: isOlder ? knownMs : firstMs,
      closedMs,
      outcome: !isOlder && units === 0 ? 'emptied' : close,
    };
  });

const written = (timeMs: number): string => new Date(timeMs).toISOString();

/** The lives' events interleaved, each life in its order, in batches of these sizes. */
function batchesOf(
  lives: readonly Life[],
  draws: readonly number[],
  sizes: readonly number[],
): CartEvent[][] {
  const waiting = lives.map(({ events }) => [...events]);
  const log: CartEvent[] = [];
  for (let n = 0; waiting.some((events) => events.length > 0); n += 1) {
    const left = waiting.filter((events) => events.length > 0);
    log.push(left[draws[n % draws.length]! % left.length]!.shift()!);
  }
  const batches: CartEvent[][] = [];
  for (let n = 0; log.length > 0; n += 1) batches.push(log.splice(0, sizes[n % sizes.length]!));
  return batches;
}

async function apply(batches: readonly (readonly CartEvent[])[]): Promise<void> {
  const projection = countCartEvents(store, () => new Date(END));
  for (const batch of batches) {
    await inTransaction(store.pool, (client) => executeAll(client, projection.effects(batch)));
  }
}

type Item = CartCounts & { readonly at: string; readonly started: number };
type Summary = { items: Item[]; from: string; to: string; asOf: string; boughtSince: string | null };

async function summary(query: Record<string, string>): Promise<Summary> {
  const consistency = createConsistency({
    pool: store.pool,
    subscriptions: () => [CART_EVENTS],
    applied: createApplied(),
  });
  const routes = trackingRoutes({
    ...{ store, consistency, now: () => new Date(END) },
    names: { of: async () => new Map() },
    search: async () => undefined,
  });
  const route = routes.find(({ path }) => path === '/carts/summary')!;
  const request = {
    ...{ params: {}, query: route.query.parse(query), headers: {} },
    signal: new AbortController().signal,
  };
  const { body } = (await route.handle(request as never)) as unknown as { body: Summary };
  return body;
}

/** What became of the carts that were started in a span, as it stood at a time; Infinity is how it stands. */
function recount(lives: readonly Life[], from: number, to: number, asOf: number): Omit<Item, 'at'> {
  const started = lives.filter(
    ({ startedMs }) => startedMs !== undefined && startedMs >= from && startedMs < to,
  );
  const ended = (outcome: Life['outcome']) =>
    started.filter((life) => life.outcome === outcome && life.closedMs! < asOf).length;
  const [bought, abandoned, emptied] = [ended('bought'), ended('abandoned'), ended('emptied')];
  const open = started.length - bought - abandoned - emptied;
  return { started: started.length, bought, abandoned, emptied, open };
}

test('each item is a recount, and the started are the sum of the others, at any time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(aLife, { maxLength: 25 }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 50 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 }),
      fc.record({
        asOf: fc.option(fc.integer({ min: START, max: END + STEP_MS.day }), { nil: undefined }),
        to: fc.option(fc.integer({ min: START, max: END }), { nil: undefined }),
        step: fc.constantFrom('hour', 'day'),
        tz: fc.constantFrom(...ZONES),
      }),
      async (lives, draws, sizes, { asOf, to, step, tz }) => {
        await empty();
        await apply(batchesOf(lives, draws, sizes));
        const found = await summary({
          ...{ from: written(START), step, tz },
          ...(asOf !== undefined && { asOf: written(asOf) }),
          ...(to !== undefined && { to: written(to) }),
        });
        const asOfMs = asOf === undefined ? Infinity : Date.parse(found.asOf);
        if (asOf !== undefined) {
          expect(asOfMs).toBeLessThanOrEqual(Math.min(asOf, END));
          expect(Math.min(asOf, END) - asOfMs).toBeLessThan(STEP_MS.quarter);
        }
        const starts = found.items.map(({ at }) => Date.parse(at));
        const isEnded = asOf !== undefined || to !== undefined;
        found.items.forEach(({ at: _, ...item }, n) => {
          const end = starts[n + 1] ?? (isEnded ? Date.parse(found.to) : Infinity);
          expect(item).toEqual(recount(lives, starts[n]!, end, asOfMs));
          expect(item.started).toBe(item.bought + item.abandoned + item.emptied + item.open);
        });
      },
    ),
    { numRuns: RUNS },
  );
});

test('a cart that never held a product does not count, however it is closed', async () => {
  const { startedAt: _, items: __, ...data } = cartEventExamples['cart.closed'].data;
  const close = { ...cartEventExamples['cart.closed'], time: written(START) };
  await apply([
    [
      { ...close, data: { ...data, items: [] } },
      { ...close, data },
    ],
  ]);
  const { rows } = await database.admin.query('SELECT FROM carts_by_quarter');
  expect(rows).toEqual([]);
});

test('a cart that is emptied and filled again stays open, started when it was first filled', async () => {
  const added = { ...cartEventExamples['cart.item-added'], time: written(START) };
  const removed = { ...cartEventExamples['cart.item-removed'], time: written(START + 1) };
  await apply([[added], [removed], [{ ...added, time: written(START + STEP_MS.day) }]]);
  const { items } = await summary({ from: written(START), to: written(START + 2 * STEP_MS.day) });
  expect(items.map(({ started, open }) => [started, open])).toEqual([
    [1, 1],
    [0, 0],
  ]);
});

test('refuses more items than there may be', async () => {
  await expect(summary({ from: '2000-01-01T00:00:00Z' })).rejects.toMatchObject({ code: 'invalid' });
});
