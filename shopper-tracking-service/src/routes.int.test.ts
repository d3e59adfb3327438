import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type CartEvent, cartEventExamples } from '@micromart/contracts/cart-events';
import { Problem } from '@micromart/http/problem';
import { isUnavailable } from '@micromart/postgres/failure';
import { inTransaction } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { createApplied } from '@micromart/subscription/freshness/applied';
import { createConsistency } from '@micromart/subscription/freshness/consistency';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import fc from 'fast-check';
import { CLOCK_MARGIN_MS, STEP_MS } from './buckets.ts';
import { type Counts, NOTHING, tally } from './counts.ts';
import { trackingRoutes } from './routes.ts';
import { SERIES_STEPS, type SeriesStep } from './series.ts';
import { SHAPE } from './shape.ts';
import { openStore } from './store/open-store.ts';
import { createMinuteSweep } from './store/postgres-sweep.ts';
import type { CountStore } from './store/store.ts';
import { CART_EVENTS, countCartEvents } from './subscriptions.ts';
import { clockTime, readZone, type Zone } from './zone.ts';

/**
 * A shop as its own clock sees it. Those who count, sweep and answer have clocks of their own, at most half the margin
 * away from it. Events wait until the follower applies them, which then includes all that happened before.
 */
const START = Date.UTC(2026, 10, 1, 6);
const MAX_SKEW_MS = CLOCK_MARGIN_MS / 2;
const MORE_THAN_THERE_IS = 10_000;
const RUNS = 100;
const MORE_THAN_CONNECTIONS = 24;

let database: TestDatabase;
let store: CountStore;
let nowMs: number;
let waiting: CartEvent[];
let applied: CartEvent[];
let skewMs: number;
let duringWait: () => Promise<void>;

beforeAll(async () => {
  database = await openTestDatabase();
  // Its own sweep finds nothing due: these tests say when minutes are swept.
  store = await openStore(
    database.url,
    () => {},
    () => new Date(0),
  );
});

beforeEach(reset);

afterAll(async () => {
  await store.close();
  await database.close();
});

async function reset(): Promise<void> {
  nowMs = START;
  waiting = [];
  applied = [];
  skewMs = 0;
  duringWait = async () => {};
  await database.admin.query(
    'TRUNCATE subscriptions, counts_total, counts_by_minute, counts_by_quarter, counts_by_hour, counts_by_day CASCADE',
  );
  await database.admin.query("UPDATE quarters_complete SET since = '-infinity'");
  await database.admin.query("UPDATE lines_complete SET since = '-infinity'");
  await database.admin.query('INSERT INTO subscriptions (name, log) VALUES ($1, $2)', [
    CART_EVENTS,
    'cart-1',
  ]);
  await database.admin.query(
    'INSERT INTO subscription_positions (subscription, partition, as_of) VALUES ($1, 0, $2)',
    [CART_EVENTS, new Date(nowMs)],
  );
}

const happens = (productId: string, quantity: number) => {
  const example = cartEventExamples['cart.item-added'];
  waiting.push({
    ...example,
    time: new Date(nowMs).toISOString(),
    data: { ...example.data, productId, quantity },
  });
};

async function apply(): Promise<void> {
  const batch = waiting.splice(0);
  applied.push(...batch);
  const asOf = new Date(nowMs);
  await inTransaction(store.pool, async (client) => {
    await executeAll(client, store.addition(tally(batch, new Date(nowMs + skewMs))));
    await client.query('UPDATE subscription_positions SET as_of = $1', [asOf]);
  });
}

const sweep = () => createMinuteSweep(store.pool, () => new Date(nowMs + skewMs)).sweep(MORE_THAN_THERE_IS);

/** Routes whose every answer waits first, as one with Consistent-With may. */
function ask(path: string, { params = {}, query = {} }: { params?: object; query?: object }) {
  const consistency = createConsistency({
    pool: store.pool,
    subscriptions: () => [CART_EVENTS],
    applied: createApplied(),
  });
  const routes = trackingRoutes({
    store,
    consistency: {
      ...consistency,
      async read(request, ...rest) {
        await duringWait();
        return consistency.read(request, ...rest);
      },
    },
    names: { of: async () => new Map() },
    search: async () => undefined,
    now: () => new Date(nowMs + skewMs),
  });
  const route = routes.find((one) => one.path === path)!;
  const request = {
    params,
    query,
    headers: {},
    signal: new AbortController().signal,
    raw: { accepts: () => 'application/json' },
  };
  return route.handle(request as never) as Promise<{ headers: Record<string, string>; body: Answered }>;
}

/** As a service answers it: a problem of its own, or that a part is away. */
const isAnsweredUnavailable = (error: unknown) =>
  error instanceof Problem ? error.code === 'unavailable' : isUnavailable(error);

type Answered = Counts & {
  asOf: string;
  boughtSince: string | null;
  from?: string;
  to?: string;
  items: (Counts & { productId: string })[];
  points: (Counts & { at: string })[];
};

const countsOf = (query: { asOf?: Date }) => ask('/products/{id}/counts', { params: { id: 'tea' }, query });
const listOf = (query: { from?: Date; to?: Date }) =>
  ask('/products', { query: { sort: '-added', minAdded: 0, limit: 50, ...query } });

const seriesOf = (query: { from?: Date; to?: Date; step: SeriesStep; tz: Zone }) =>
  ask('/products/{id}/series', { params: { id: 'tea' }, query });

/** Minutes of long ago are refused, as are too many of them. */
function refusedOrThrow(error: unknown): undefined {
  if (error instanceof Problem && error.code === 'invalid') return;
  throw error;
}

/** Holds each point to a recount from its beginning to that of the next; the last has no end but what happened. */
function expectRecounted(
  { body, headers }: Awaited<ReturnType<typeof seriesOf>>,
  zone: Zone,
  events: readonly CartEvent[],
  isEnded: boolean,
): void {
  expect(body.to! <= headers['As-Of']!).toBe(true);
  const starts = body.points.map(({ at }) => Date.parse(at));
  if (starts.length > 0) expect(new Date(starts[0]!).toISOString()).toBe(body.from);
  const end = isEnded ? Date.parse(body.to!) : Infinity;
  body.points.forEach(({ at, ...counts }, n) => {
    expect(at).toBe(clockTime(starts[n]!, zone));
    expect(counts).toEqual(recount(events, 'tea', starts[n]!, starts[n + 1] ?? end));
  });
}

function recount(events: readonly CartEvent[], productId: string, fromMs: number, toMs: number): Counts {
  const found = events.flatMap(({ time, data }) =>
    'quantity' in data &&
    data.productId === productId &&
    Date.parse(time) >= fromMs &&
    Date.parse(time) < toMs
      ? [data.quantity]
      : [],
  );
  return { ...NOTHING, added: found.length, unitsAdded: found.reduce((sum, one) => sum + one, 0) };
}

test('while the follower is paused, no answer claims more than is included', async () => {
  happens('tea', 1);
  nowMs += 90_000;
  await apply();
  const asOf = new Date(nowMs).toISOString();
  happens('tea', 1);
  nowMs += 10 * STEP_MS.minute;
  happens('tea', 1);

  const counts = await countsOf({ asOf: new Date(nowMs) });
  expect(counts.headers['As-Of']).toBe(asOf);
  expect(counts.body).toMatchObject({ added: 1, asOf: new Date(START + STEP_MS.minute).toISOString() });
  const list = await listOf({ from: new Date(START), to: new Date(nowMs) });
  expect(list.body.to).toBe(new Date(START + STEP_MS.minute).toISOString());
  expect(list.body.items).toMatchObject([{ productId: 'tea', added: 1 }]);
  expect((await listOf({ from: new Date(START) })).body.to).toBe(asOf);
  const ahead = await listOf({ from: new Date(nowMs), to: new Date(nowMs) });
  expect(ahead.body).toMatchObject({ items: [], from: list.body.to, to: list.body.to });
});

test('an answer says from when on all closes are counted with their lines, in whatever order they come', async () => {
  const { items: _, ...older } = cartEventExamples['cart.closed'].data;
  const closed = (timeMs: number): CartEvent => ({
    ...cartEventExamples['cart.closed'],
    time: new Date(timeMs).toISOString(),
    data: older,
  });
  const answered = async () => {
    const answers = [await countsOf({}), await countsOf({ asOf: new Date(nowMs) }), await listOf({})];
    const [since, ...others] = answers.map(({ body }) => body.boughtSince);
    for (const other of others) expect(other).toBe(since);
    return since;
  };
  expect(await answered()).toBeNull();
  await database.admin.query(
    `INSERT INTO generations (name, model, number, shape, state, live, live_since)
     VALUES ($1, $1, 1, $2, 'ready', true, now())`,
    [CART_EVENTS, SHAPE],
  );
  try {
    expect(await answered()).toBe(new Date(0).toISOString());
    const projection = countCartEvents(store, () => new Date(nowMs));
    const times = [START - STEP_MS.day, START, START - STEP_MS.hour].map(closed);
    for (const event of times) {
      await inTransaction(store.pool, (client) => executeAll(client, projection.effects([event])));
    }
    expect(await answered()).toBe(new Date(START + STEP_MS.quarter).toISOString());
  } finally {
    await database.admin.query('DELETE FROM generations');
  }
});

test('while nothing is known of the source yet, nothing is claimed', async () => {
  await database.admin.query('UPDATE subscription_positions SET as_of = NULL');
  expect((await countsOf({ asOf: new Date(nowMs) })).body).toMatchObject({
    added: 0,
    asOf: '1970-01-01T00:00:00.000Z',
  });
  expect((await listOf({ to: new Date(nowMs) })).body).toMatchObject({
    items: [],
    to: '1970-01-01T00:00:00.000Z',
  });
});

test.each([25, 35])(
  'minute %i is not missing in an answer when it is swept during the wait',
  async (minute) => {
    nowMs += 20 * STEP_MS.minute;
    happens('tea', 2);
    nowMs += 20 * STEP_MS.minute;
    happens('tea', 3);
    nowMs += STEP_MS.day;
    await apply();
    nowMs = START + 2 * STEP_MS.day + STEP_MS.hour - 1;
    duringWait = async () => {
      nowMs += 30_000;
      await sweep();
      await apply();
    };
    const { body } = await countsOf({ asOf: new Date(START + minute * STEP_MS.minute) });
    expect(body).toMatchObject(recount(applied, 'tea', 0, Date.parse(body.asOf)));
  },
);

test('questions that cost too much end, and keep nobody waiting who asks for little', async () => {
  happens('tea', 1);
  await apply();
  const blocker = await database.admin.connect();
  await blocker.query('BEGIN; LOCK TABLE counts_by_day');
  const costly = Array.from({ length: MORE_THAN_CONNECTIONS }, () => listOf({ from: new Date(START) }));
  const ended = Promise.allSettled(costly);
  expect((await countsOf({})).body.added).toBe(1);
  for (const outcome of await ended) {
    expect(outcome).toMatchObject({ status: 'rejected' });
    expect(isAnsweredUnavailable((outcome as PromiseRejectedResult).reason)).toBe(true);
  }
  await expect(countsOf({ asOf: new Date(START) })).rejects.toMatchObject({
    code: 'unavailable',
    extras: { type: 'question-too-costly', retryAfterS: 5 },
  });
  await blocker.query('ROLLBACK');
  blocker.release();
  expect((await listOf({ from: new Date(START) })).body.items).toHaveLength(1);
}, 60_000);

test('an event of another century makes no usual question costly, and an endless one is refused', async () => {
  happens('tea', 1);
  nowMs += 2 * STEP_MS.minute;
  await apply();
  for (const table of ['day', 'hour', 'quarter'])
    await database.admin.query(
      `INSERT INTO counts_by_${table} VALUES ('1900-01-01T00:00:00Z', 'tea', 1, 0, 1, 0)`,
    );
  await database.admin.query("UPDATE counts_total SET added = 2, units_added = 2 WHERE product_id = 'tea'");
  expect((await countsOf({ asOf: new Date(nowMs) })).body.added).toBe(2);
  expect((await countsOf({ asOf: new Date('1900-01-02T00:00:00Z') })).body.added).toBe(1);
  expect((await listOf({ from: new Date('2000-01-01T00:00:00Z') })).body.items).toMatchObject([{ added: 1 }]);
  await expect(countsOf({ asOf: new Date('1950-01-01T00:00:00Z') })).rejects.toMatchObject({
    code: 'invalid',
  });
});

test.each(['UTC', 'America/New_York', 'Pacific/Apia'])(
  'the earliest times that can be asked about are answered, in %s',
  async (name) => {
    happens('tea', 1);
    nowMs += 2 * STEP_MS.minute;
    await apply();
    const tz = readZone(name)!;
    const first = new Date('0001-01-01T00:00:00Z');
    const next = new Date('0001-01-02T00:00:00Z');
    for (const window of [{ to: first }, { to: next }, { from: first, to: next }]) {
      for (const step of ['hour', 'day'] as const) {
        const { body } = await seriesOf({ ...window, step, tz });
        expect(body.points.every(({ added }) => added === 0)).toBe(true);
        await ask('/carts/summary', { query: { ...window, step, tz } });
      }
      await ask('/products', {
        query: { sort: '-added', minAdded: 0, limit: 50, spark: 'day', ...window, tz },
      });
    }
    const compared = { sort: '-added', minAdded: 0, limit: 50, from: first, compare: 'previous', tz };
    const { body } = await ask('/products', { query: compared });
    expect(body).toMatchObject({ compared: { from: first.toISOString() }, items: [{ added: 1 }] });
  },
);

test.each(['UTC', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Chatham'])(
  'as many lines as a page may have are drawn, as long as they may be, also in %s',
  async (name) => {
    happens('tea', 1);
    nowMs += 2 * STEP_MS.minute;
    await apply();
    await database.admin.query(
      "INSERT INTO counts_total (product_id, added) SELECT 'p' || n, 1 FROM generate_series(1, 99) n",
    );
    const tz = readZone(name)!;
    const from = new Date(nowMs - 91 * STEP_MS.day);
    const page = { sort: '-added', minAdded: 0, limit: 100, spark: 'day', tz, from };
    const { body } = (await ask('/products', { query: page })) as unknown as {
      body: { days: string[]; items: { productId: string; spark: { added: number[] } }[] };
    };
    expect(body.days).toHaveLength(92);
    expect(body.items).toHaveLength(100);
    for (const { productId, spark } of body.items) {
      expect(spark.added).toHaveLength(92);
      expect(spark.added.reduce((sum, one) => sum + one, 0)).toBe(productId === 'tea' ? 1 : 0);
    }
  },
);

const aDuration = fc.oneof(
  fc.integer({ min: 0, max: 5 * STEP_MS.minute }),
  fc.integer({ min: 0, max: 5 * STEP_MS.hour }),
  fc.integer({ min: 0, max: 2 * STEP_MS.day }),
);
const aSkew = fc.oneof(
  fc.integer({ min: -MAX_SKEW_MS, max: MAX_SKEW_MS }),
  fc.constantFrom(-MAX_SKEW_MS, 0, MAX_SKEW_MS),
);
const product = fc.oneof(fc.constant('tea'), fc.constantFrom('milk', '__proto__'));
const quiet = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: aDuration }),
  fc.record({ kind: fc.constant('happen' as const), product, quantity: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('apply' as const), skewMs: aSkew }),
  fc.record({ kind: fc.constant('sweep' as const), skewMs: aSkew }),
);
const aPast = fc.oneof(
  fc.integer({ min: -STEP_MS.hour, max: 60 * STEP_MS.hour }),
  fc.integer({ min: -STEP_MS.day, max: 20 * STEP_MS.day }),
);
const aWait = fc.array(quiet, { maxLength: 3 });
const question = (past: fc.Arbitrary<number>, wait: typeof aWait) =>
  fc.oneof(
    fc.record({ kind: fc.constant('counts' as const), skewMs: aSkew, agoMs: past, wait }),
    fc.record({
      kind: fc.constant('series' as const),
      skewMs: aSkew,
      step: fc.constantFrom(...SERIES_STEPS),
      zone: fc
        .constantFrom('UTC', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu')
        .map((name) => readZone(name)!),
      fromAgoMs: fc.option(past, { nil: undefined }),
      toAgoMs: fc.option(past, { nil: undefined }),
      wait,
    }),
    fc.record({
      kind: fc.constant('list' as const),
      skewMs: aSkew,
      fromAgoMs: fc.option(past, { nil: undefined }),
      toAgoMs: fc.option(past, { nil: undefined }),
      wait,
    }),
  );
const anything = fc.array(
  fc.oneof({ arbitrary: quiet, weight: 3 }, { arbitrary: question(aPast, aWait), weight: 2 }),
  { minLength: 5, maxLength: 30 },
);

/** Most goes wrong where minutes are about to be swept: questions about a busy time as long ago as minutes are answered. */
const LONG_AGO = { min: 40 * STEP_MS.hour, max: 54 * STEP_MS.hour };
const aSweep = fc.record({ kind: fc.constant('sweep' as const), skewMs: aSkew });
const critical = fc
  .record({
    moves: fc.array(fc.integer({ min: 0, max: 20 * STEP_MS.minute }), { minLength: 10, maxLength: 40 }),
    sinceMs: fc.integer(LONG_AGO),
    asked: fc.array(fc.oneof(aSweep, question(fc.integer(LONG_AGO), fc.array(aSweep, { maxLength: 1 }))), {
      minLength: 5,
      maxLength: 30,
    }),
  })
  .map(({ moves, sinceMs, asked }) => [
    ...moves.flatMap((ms) => [
      { kind: 'pass' as const, ms },
      { kind: 'happen' as const, product: 'tea' as const, quantity: 1 },
    ]),
    { kind: 'apply' as const, skewMs: 0 },
    { kind: 'pass' as const, ms: sinceMs },
    { kind: 'apply' as const, skewMs: 0 },
    ...asked,
  ]);

async function passQuietly(one: typeof quiet extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  if (one.kind === 'pass') nowMs += one.ms;
  if (one.kind === 'happen') happens(one.product, one.quantity);
  if (one.kind === 'apply' || one.kind === 'sweep') {
    const before = skewMs;
    skewMs = one.skewMs;
    await (one.kind === 'apply' ? apply() : sweep());
    skewMs = before;
  }
}

const ago = (ms: number | undefined): Date | undefined =>
  ms === undefined ? undefined : new Date(nowMs - ms);

test('for any sequence of waits, sweeps and questions an answer is the recount at what it says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(anything, critical), async (steps) => {
      await reset();
      for (const one of steps) {
        if (one.kind !== 'counts' && one.kind !== 'list' && one.kind !== 'series') {
          await passQuietly(one);
          continue;
        }
        skewMs = one.skewMs;
        duringWait = async () => {
          for (const other of one.wait) await passQuietly(other);
        };
        if (one.kind === 'counts') {
          const { body, headers } = await countsOf({ asOf: ago(one.agoMs)! });
          expect(body.asOf <= headers['As-Of']!).toBe(true);
          expect(body).toMatchObject(recount([...applied, ...waiting], 'tea', 0, Date.parse(body.asOf)));
          continue;
        }
        const [from, to] = [ago(one.fromAgoMs), ago(one.toAgoMs)];
        if (from && to && from > to) continue;
        if (one.kind === 'series') {
          const query = { step: one.step, tz: one.zone, ...(from && { from }), ...(to && { to }) };
          const answer = await seriesOf(query).catch(refusedOrThrow);
          if (answer) expectRecounted(answer, one.zone, to ? [...applied, ...waiting] : applied, Boolean(to));
          continue;
        }
        const { body, headers } = await listOf({ ...(from && { from }), ...(to && { to }) });
        if (body.to) expect(body.to <= headers['As-Of']!).toBe(true);
        if (from) expect(body.from! <= from.toISOString() && body.from! <= body.to!).toBe(true);
        const fromMs = from ? Date.parse(body.from!) : -Infinity;
        const toMs = to ? Date.parse(body.to!) : Infinity;
        const events = to ? [...applied, ...waiting] : applied;
        for (const name of ['tea', 'milk', '__proto__']) {
          const expected = recount(events, name, fromMs, toMs);
          const {
            productId: _,
            removalRatio: __,
            conversion: ___,
            ...counts
          } = {
            removalRatio: 0,
            conversion: null,
            productId: name,
            ...NOTHING,
            ...body.items.find(({ productId }) => productId === name),
          };
          expect(counts).toEqual(expected);
        }
      }
    }),
    { numRuns: RUNS },
  );
}, 300_000);
