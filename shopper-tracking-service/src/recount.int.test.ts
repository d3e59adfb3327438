/**
 * Whatever is asked about time equals a recount of the log. The log is followed as it comes from a broker: events late,
 * repeated and out of order. It lies over the ends of days and months, and over changes of the clock in both directions.
 */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CartEvent } from '@micromart/contracts/cart-events';
import { cartEventExamples } from '@micromart/contracts/cart-events';
import { createMetrics } from '@micromart/http/metrics';
import { Problem } from '@micromart/http/problem';
import type { Route } from '@micromart/http/route';
import { createLogger } from '@micromart/process/logger';
import { createConsistency } from '@micromart/subscription/freshness/consistency';
import { createSubscriptionMetrics } from '@micromart/subscription/metrics';
import { startSubscription } from '@micromart/subscription/subscription';
import { createTestBroker } from '@micromart/subscription/testing/broker';
import { journeys, travel } from '@micromart/subscription/testing/journey';
import { createTestSource } from '@micromart/subscription/testing/source';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { until } from '@micromart/testing/until';
import fc from 'fast-check';
import { STEP_MS } from './buckets.ts';
import { COMPARISONS } from './comparison.ts';
import { COUNTER_NAMES } from './counters.ts';
import { type Counts, NOTHING } from './counts.ts';
import { SORTS, type Sort } from './list.ts';
import { trackingRoutes } from './routes.ts';
import { SERIES_STEPS } from './series.ts';
import { openStore } from './store/open-store.ts';
import type { CountStore } from './store/store.ts';
import { CART_EVENTS, countCartEvents } from './subscriptions.ts';
import { inOrder, isCounted, withRatios } from './testing/ordered.ts';
import { readZone, UTC, type Zone } from './zone.ts';

const NOW = Date.UTC(2026, 3, 6, 13, 37, 11);
/** Before Havana, New York, Beirut, Berlin and Lord Howe put their clocks. */
const START = Date.UTC(2026, 1, 26, 9, 5);
const EVENTS = 1_500;
const PARTITIONS = 4;
const PRODUCTS = ['tea', 'milk', 'bread', '__proto__', '-1'];
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/Havana',
  'Asia/Beirut',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
];
const RUNS = 60;

type Timed = {
  readonly timeMs: number;
  readonly kind: 'added' | 'removed' | 'bought' | 'abandoned';
  /** One of what moves a product, all of a cart that is closed. */
  readonly lines: readonly { readonly productId: string; readonly quantity: number }[];
};

const UNITS = {
  added: 'unitsAdded',
  removed: 'unitsRemoved',
  bought: 'unitsBought',
  abandoned: 'unitsAbandoned',
} as const;

let database: TestDatabase;
let store: CountStore;
let routes: Route[];
let history: Timed[];

beforeAll(async () => {
  database = await openTestDatabase();
  store = await openStore(
    database.url,
    () => {},
    () => new Date(NOW),
  );
  const source = createTestSource({ partitions: PARTITIONS, log: 'cart-1' });
  history = fc.sample(anEvent, { numRuns: EVENTS, seed: 11 });
  const events = history.map((one, n) => {
    const { example, data } = told(one);
    const key = `cart-${n % 97}`;
    const { id, partition, sequence } = source.append(n % PARTITIONS, key, data, example.type);
    const event = source.events[partition]!.at(-1)!;
    const own = { id, partition, sequence, subject: key, partitionkey: key, data };
    return Object.assign(event, { ...example, ...own, time: new Date(one.timeMs).toISOString() });
  });
  const broker = createTestBroker({ partitions: PARTITIONS });
  const [journey] = fc.sample(journeys(EVENTS), { numRuns: 1, seed: 12 });
  broker.publish(
    'cart-1',
    travel(
      events,
      journey!.map((shifts) => (shifts.length > 0 ? shifts : [0])),
    ),
  );
  const subscription = startSubscription<CartEvent>({
    name: CART_EVENTS,
    url: database.url,
    projection: countCartEvents(store, () => new Date(NOW)),
    source,
    transport: broker.transport(),
    metrics: createSubscriptionMetrics(createMetrics('test').registry),
    logger: createLogger({ name: 'test', level: 'silent' }),
  });
  await until(async () => (await followed()) === EVENTS, { capMs: 20_000 });
  await subscription.close();
  await database.admin.query('UPDATE subscription_positions SET as_of = $1', [new Date(NOW)]);
  const consistency = createConsistency({
    pool: store.pool,
    subscriptions: () => [CART_EVENTS],
    applied: subscription.applied,
  });
  routes = trackingRoutes({
    store,
    consistency,
    names: { of: async (ids) => new Map(ids.map((id) => [id, nameOf(id)])) },
    search: async () => ({ ids: ['milk'], isWhole: true }),
    now: () => new Date(NOW),
  });
}, 120_000);

afterAll(async () => {
  await store?.close();
  await database.close();
});

const anEvent: fc.Arbitrary<Timed> = fc
  .record({
    timeMs: fc.oneof(
      fc.integer({ min: START, max: NOW - 1 }),
      // Around changes of the clock, and lately.
      fc
        .constantFrom(
          '2026-03-08T05:00Z',
          '2026-03-28T22:00Z',
          '2026-03-29T01:00Z',
          '2026-04-04T15:00Z',
          '2026-04-06T12:00Z',
        )
        .chain((text) =>
          fc.integer({
            min: Date.parse(text) - 90 * STEP_MS.minute,
            max: Date.parse(text) + 90 * STEP_MS.minute,
          }),
        ),
    ),
    kind: fc.constantFrom('added', 'added', 'removed', 'bought', 'abandoned'),
    lines: fc.uniqueArray(
      fc.record({ productId: fc.constantFrom(...PRODUCTS), quantity: fc.integer({ min: 1, max: 9 }) }),
      { selector: ({ productId }) => productId, minLength: 1 },
    ),
  })
  .map((one) =>
    one.kind === 'added' || one.kind === 'removed' ? { ...one, lines: one.lines.slice(0, 1) } : one,
  );

/** The event's type, by an example of it, and its data. */
function told({ kind, lines }: Timed) {
  if (kind === 'bought' || kind === 'abandoned') {
    const example = cartEventExamples['cart.closed'];
    return { example, data: { ...example.data, reason: kind, items: [...lines] } };
  }
  const example = cartEventExamples[`cart.item-${kind}`];
  return { example, data: { ...example.data, ...lines[0]! } };
}

async function followed(): Promise<number> {
  const { rows } = await database.admin.query<{ sum: number | null }>(
    'SELECT sum(sequence)::int AS sum FROM subscription_positions',
  );
  return rows[0]!.sum ?? 0;
}

const BERTA = { subject: 'berta', roles: ['business'] };

const nameOf = (productId: string): string => `=Name of "${productId}", organic`;

type Answered = { headers: Record<string, string>; body: Record<string, never> };

function ask<T>(
  path: string,
  { params = {}, query = {} }: { params?: object; query?: object },
): Promise<{ headers: Record<string, string>; body: T }> {
  const route = routes.find((one) => one.path === path)!;
  const parsed = route.query.parse(query);
  const raw = { accepts: ([first]: string[]) => first };
  const request = {
    params,
    query: parsed,
    headers: {},
    signal: new AbortController().signal,
    caller: BERTA,
    raw,
  };
  return route.handle(request as never) as Promise<Answered> as Promise<{
    headers: Record<string, string>;
    body: T;
  }>;
}

/** The rows of an answer as CSV, by the names of their columns. */
async function askCsv(path: string, { params = {}, query = {} }: { params?: object; query?: object }) {
  const route = routes.find((one) => one.path === path)!;
  const response = new PassThrough();
  const request = {
    ...{ params, query: route.query.parse(query), headers: {}, signal: new AbortController().signal },
    caller: BERTA,
    raw: { accepts: ([, second]: string[]) => second, res: response },
  };
  const answer = await route.handle(request as never);
  const received = text(response);
  if (answer.stream) await answer.stream(response as never);
  else response.end(answer.text);
  const [names, ...rows] = (await received)
    .split('\r\n')
    .slice(0, -1)
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!,
      ),
    );
  return {
    headers: answer.headers!,
    rows: rows.map((row) => Object.fromEntries(names!.map((name, n) => [name, row[n]!]))),
  };
}

/** The independent recount. */
function recount(productId: string, fromMs: number, toMs: number): Counts {
  const counts = { ...NOTHING } as { -readonly [K in keyof Counts]: number };
  for (const one of history) {
    if (one.timeMs < fromMs || one.timeMs >= toMs) continue;
    for (const line of one.lines.filter((some) => some.productId === productId)) {
      counts[one.kind] += 1;
      counts[UNITS[one.kind]] += line.quantity;
    }
  }
  return counts;
}

/** The products of a window in the order of a list. */
function relist(sort: Sort, descending: boolean, minAdded: number, fromMs: number, toMs: number) {
  return PRODUCTS.map((productId) => ({ productId, ...recount(productId, fromMs, toMs) }))
    .filter((product) => product.added >= minAdded && isCounted(product))
    .map(withRatios)
    .sort(inOrder(sort, descending));
}

const countsIn = (product: object): object =>
  Object.fromEntries(COUNTER_NAMES.map((name) => [name, product[name as keyof typeof product]]));

const aZone = fc.constantFrom(...ZONES);
const aTime = fc.integer({ min: START - STEP_MS.day, max: NOW + STEP_MS.hour });
const aWindow = fc.tuple(aTime, aTime).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const written = (timeMs: number): string => new Date(timeMs).toISOString();

/** What a clock of the zone shows. */
const shown = (zone: string) => {
  const format = new Intl.DateTimeFormat('sv', {
    timeZone: zone,
    ...{ dateStyle: 'short', timeStyle: 'short' },
  });
  return (timeMs: number): string => format.format(timeMs);
};

type Series = { points: (Counts & { at: string })[]; from: string; to: string };

test('each point of a series is a recount, begins where the clock says, and no moment is left out', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...PRODUCTS),
      fc.constantFrom(...SERIES_STEPS),
      aZone,
      aWindow,
      async (id, step, tz, { from, to }) => {
        const query = {
          step,
          tz,
          from: written(step === 'minute' ? Math.max(from, NOW - STEP_MS.day) : from),
          to: written(Math.max(to, from)),
        };
        if (query.from > query.to) return;
        const { body, headers } = await ask<Series>('/products/{id}/series', { params: { id }, query });
        expect(body.to <= headers['As-Of']!).toBe(true);
        const starts = body.points.map(({ at }) => Date.parse(at));
        if (starts.length === 0) return;
        expect(written(starts[0]!)).toBe(body.from);
        expect(body.from <= query.from).toBe(true);
        // One for all points: each holds much memory outside of the heap, with which a worker takes long to exit.
        const clock = shown(tz);
        for (const [n, { at, ...counts }] of body.points.entries()) {
          const end = starts[n + 1] ?? Date.parse(body.to);
          expect(counts).toEqual(recount(id, starts[n]!, end));
          expect(at.slice(0, 16)).toBe(clock(starts[n]!).replace(' ', 'T'));
          // All of it has one date, or one hour.
          const length = { day: 10, hour: 13, minute: 16 }[step];
          expect(clock(end - 1).slice(0, length)).toBe(clock(starts[n]!).slice(0, length));
        }
      },
    ),
    { numRuns: RUNS },
  );
}, 300_000);

test('what a product stood at is a recount up to what the answer says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PRODUCTS), aTime, async (id, asOf) => {
      type Stood = Counts & { asOf: string };
      const { body } = await ask<Stood>('/products/{id}/counts', {
        params: { id },
        query: { asOf: written(asOf) },
      });
      expect(body.asOf <= written(Math.min(asOf, NOW))).toBe(true);
      expect(asOf - Date.parse(body.asOf) < STEP_MS.quarter || asOf > NOW).toBe(true);
      expect(countsIn(body)).toEqual(recount(id, -Infinity, Date.parse(body.asOf)));
    }),
    { numRuns: RUNS },
  );
}, 300_000);

type Listed = Counts & {
  productId: string;
  removalRatio: number;
  name?: string;
  previous?: Counts & { rank: number | null };
  spark?: Record<string, number[]>;
};
type Page = {
  items: Listed[];
  from: string;
  to: string;
  compared?: { from: string; to: string };
  days?: string[];
  names?: string;
};

const aList = fc.record({
  sort: fc.constantFrom(...SORTS),
  descending: fc.boolean(),
  minAdded: fc.constantFrom(0, 0, 3),
  tz: aZone,
  compare: fc.constantFrom(undefined, ...COMPARISONS),
  spark: fc.constantFrom(undefined, 'day'),
  window: fc.oneof(
    aWindow,
    // Whole days of a zone.
    fc
      .record({ day: fc.integer({ min: 1, max: 30 }), days: fc.integer({ min: 1, max: 9 }) })
      .map(({ day, days }) => ({ day, days })),
  ),
});

/** The midnight that a zone's clock shows first on a day of March. */
const midnight = (tz: Zone, day: number): number => {
  const show = shown(tz);
  const date = `2026-${day > 31 ? '04' : '03'}-${String(day > 31 ? day - 31 : day).padStart(2, '0')}`;
  for (let timeMs = Date.parse(`${date}T00:00Z`) - STEP_MS.day; ; timeMs += STEP_MS.quarter) {
    if (show(timeMs).slice(0, 10) >= date) return timeMs;
  }
};

test('a list, what it is compared with and its lines are recounts, in any zone', async () => {
  await fc.assert(
    fc.asyncProperty(aList, async ({ sort, descending, minAdded, tz, compare, spark, window }) => {
      const zone = readZone(tz)!;
      const { from, to } =
        'day' in window
          ? { from: midnight(zone, window.day), to: midnight(zone, window.day + window.days) }
          : window;
      const query = {
        sort: `${descending ? '-' : ''}${sort}`,
        minAdded: String(minAdded),
        tz,
        from: written(from),
        to: written(to),
        ...(compare && { compare }),
        ...(spark && { spark }),
      };
      const { body, headers } = await ask<Page>('/products', { query });
      expect(body.to <= headers['As-Of']!).toBe(true);
      const expected = relist(sort, descending, minAdded, Date.parse(body.from), Date.parse(body.to));
      expect(body.items.map(({ previous, spark, name, ...product }) => product)).toEqual(expected);
      for (const { productId, name } of body.items) expect(name).toBe(nameOf(productId));
      if (compare) {
        const [before, until] = [Date.parse(body.compared!.from), Date.parse(body.compared!.to)];
        expect(until).toBeLessThanOrEqual(Date.parse(body.from));
        const list = relist(sort, descending, minAdded, before, until);
        for (const { productId, previous } of body.items) {
          expect(countsIn(previous!)).toEqual(recount(productId, before, until));
          const rank = list.findIndex((one) => one.productId === productId);
          expect(previous!.rank).toBe(rank < 0 ? null : rank + 1);
        }
        if ('day' in window && to <= NOW) {
          // Both begin where a day does.
          const show = shown(tz);
          for (const edge of [before, until]) {
            expect(show(edge).slice(0, 10) > show(edge - 1).slice(0, 10)).toBe(true);
          }
        }
      }
      if (spark) {
        const starts = body.days!.map((day) => Date.parse(day));
        for (const { productId, spark } of body.items) {
          starts.forEach((start, n) => {
            const counts = Object.fromEntries(COUNTER_NAMES.map((name) => [name, spark![name]![n]]));
            expect(counts).toEqual(
              recount(productId, start, starts[n + 1] ?? Math.min(Date.parse(body.to), NOW)),
            );
          });
        }
      }
    }),
    { numRuns: RUNS },
  );
}, 300_000);

const inCsv = (counts: object, prefix = ''): object =>
  Object.fromEntries(
    Object.entries(counts).map(([name, value]) => [
      prefix === '' ? name : `${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`,
      String(value ?? ''),
    ]),
  );

test('a list as CSV has all its products, with the figures of the list', async () => {
  await fc.assert(
    fc.asyncProperty(aList, fc.constantFrom('/products', '/products.csv'), async (list, path) => {
      const { sort, descending, minAdded, tz, compare, window } = list;
      if ('day' in window) return;
      const query = {
        ...{ sort: `${descending ? '-' : ''}${sort}`, minAdded: String(minAdded), tz },
        ...{ from: written(window.from), to: written(window.to), ...(compare && { compare }) },
      };
      const { body, headers } = await ask<Page>('/products', { query });
      const csv = await askCsv(path, { query });
      for (const name of ['As-Of', 'Position', 'Vary']) expect(csv.headers[name]).toBe(headers[name]);
      expect(csv.headers['Content-Disposition']).toMatch(/^attachment; filename="products-[0-9A-Z-]+\.csv"$/);
      expect(csv.rows).toEqual(
        body.items.map(({ previous, name, spark: _, ...product }, n) => ({
          ...inCsv(product),
          productId: product.productId === '-1' ? "'-1" : product.productId,
          rank: String(n + 1),
          name: `'${name}`,
          ...(previous && inCsv(previous, 'previous')),
        })),
      );
    }),
    { numRuns: RUNS },
  );
}, 300_000);

test('a series as CSV has its points', async () => {
  const asked = { params: { id: 'tea' }, query: { step: 'day', tz: 'Asia/Beirut', from: written(START) } };
  const { body } = await ask<Series>('/products/{id}/series', asked);
  for (const path of ['/products/{id}/series', '/products/{id}/series.csv']) {
    expect((await askCsv(path, asked)).rows).toEqual(body.points.map((point) => inCsv(point)));
  }
});

describe('CSV of a list', () => {
  const route = () => routes.find(({ path }) => path === '/products.csv')!;

  async function open(subject: string) {
    const response = new PassThrough();
    const request = {
      query: route().query.parse({}),
      headers: {},
      signal: new AbortController().signal,
      caller: { ...BERTA, subject },
      raw: { res: response },
    };
    const { stream } = await route().handle(request as never);
    return { response, send: () => stream!(response as never) };
  }

  async function leave({ response }: { response: PassThrough }): Promise<void> {
    response.destroy();
    await once(response, 'close');
  }

  async function inTransaction(): Promise<number> {
    const { rows } = await database.admin.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM pg_stat_activity WHERE datname = current_database()
       AND application_name LIKE '%exports' AND state = 'idle in transaction'`,
    );
    return rows[0]!.open;
  }

  test('that nobody takes keeps no connection, and at most two are open', async () => {
    const opened = [await open('berta'), await open('otto')];
    expect(await inTransaction()).toBe(2);
    for (const one of opened) await leave(one);
    await until(async () => (await inTransaction()) === 0);
    await leave(await open('berta'));
    await until(async () => (await inTransaction()) === 0);
  });

  test('of which the client does not take the end keeps no connection', async () => {
    const { response, send } = await open('berta');
    await send();
    expect(response.closed).toBe(false);
    await until(async () => (await inTransaction()) === 0);
    const next = await open('berta');
    await leave({ response });
    await expect(open('berta')).rejects.toMatchObject({ code: 'too-many-requests' });
    await leave(next);
  });

  test('is sent to a caller one at a time, so that others get theirs', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => open('berta')));
    const opened = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(opened).toHaveLength(1);
    for (const one of asked.filter(({ status }) => status === 'rejected'))
      expect(one).toMatchObject({ reason: { code: 'too-many-requests', extras: { retryAfterS: 5 } } });
    await leave(await open('otto'));
    await leave(opened[0]!);
    await leave(await open('berta'));
    await until(async () => (await inTransaction()) === 0);
  });

  test('that was refused is no reason to refuse the next', async () => {
    const costly = { query: { compare: 'previous' } };
    for (let n = 0; n < 2; n += 1)
      await expect(askCsv('/products.csv', costly)).rejects.toMatchObject({ code: 'invalid' });
    const other = { headers: { 'Consistent-With': 'other-1/0@1' } };
    for (let n = 0; n < 2; n += 1) {
      const request = {
        ...other,
        query: route().query.parse({}),
        signal: new AbortController().signal,
        caller: BERTA,
        raw: { res: new PassThrough() },
      };
      const refusal = Promise.resolve(route().handle(request as never));
      await expect(refusal).rejects.toMatchObject({ code: 'conflict' });
    }
  });
});

test.each([{ cursor: 'x' }, { limit: '5' }, { spark: 'day' }])(
  'CSV of a page, %j, is refused',
  async (query) => {
    const refusal = await askCsv('/products', { query }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'invalid', extras: { errors: [{ path: expect.any(String) }] } });
  },
);

test('a search finds products by the beginning of their ids, and by what the catalog finds', async () => {
  const { body } = await ask<Page>('/products', { query: { q: 'te', sort: 'added' } });
  expect(body.items.map(({ productId }) => productId).sort()).toEqual(['milk', 'tea']);
  expect(body.names).toBe('all');
});

test.each([
  ['a comparison without a beginning', { compare: 'previous' }],
  ['lines of more products than fit', { spark: 'day', limit: '101' }],
  ['lines of more days than fit', { spark: 'day', from: written(NOW - 93 * STEP_MS.day) }],
])('refuses %s', async (_, query) => {
  const refusal = await ask('/products', { query }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Problem);
  expect(refusal).toMatchObject({
    code: 'invalid',
    extras: { errors: [{ path: expect.stringMatching(/^query\./) }] },
  });
});

test('a comparison of what is not over yet is with as much time before, and says so', async () => {
  const from = Date.UTC(2026, 3, 6);
  const { body } = await ask<Page>('/products', {
    query: { from: written(from), compare: 'previous-week', tz: UTC },
  });
  expect(body).toMatchObject({
    from: written(from),
    to: '2026-04-06T13:37:00.000Z',
    compared: { from: '2026-03-30T00:00:00.000Z', to: '2026-03-30T13:30:00.000Z' },
  });
});
