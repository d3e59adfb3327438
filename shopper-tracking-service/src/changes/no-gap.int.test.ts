import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { readFresh } from '@micromart/subscription/freshness/freshness';
import { startTestServer, type TestServer } from '@micromart/testing/embedded-run';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import fc from 'fast-check';
import pg from 'pg';
import { openStore } from '../store/open-store.ts';
import type { CountStore } from '../store/store.ts';
import { CART_EVENTS } from '../subscriptions.ts';
import { createCatchUp } from './catch-up.ts';
import type { Found } from './change-events.ts';
import { createReadChanges, type ReadChanges } from './read-changes.ts';
import { createWatch } from './watch.ts';

const WRITERS = 3;
const RUNS = 60;

type Step =
  | { readonly kind: 'write' | 'commit' | 'rollback'; readonly writer: number }
  | { readonly kind: 'stay' | 'come back' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('write', 'write', 'commit', 'commit', 'rollback'),
    writer: fc.nat({ max: WRITERS - 1 }),
  }),
  fc.record({ kind: fc.constantFrom('stay', 'come back') }),
);
const steps = fc.array(step, { minLength: 4, maxLength: 40 });

/** A transaction that began to write first and commits last. */
const SLOW: readonly Step[] = [
  { kind: 'write', writer: 0 },
  { kind: 'write', writer: 1 },
  { kind: 'commit', writer: 1 },
  { kind: 'come back' },
  { kind: 'commit', writer: 0 },
];

/** Of its own, without vacuum: other transactions would hold back what is settled. */
let server: TestServer;
let database: TestDatabase;
let store: CountStore;
let read: ReadChanges;
let writers: pg.Client[];

beforeAll(async () => {
  server = await startTestServer({ autovacuum: 'off' });
  database = await openTestDatabase(server.url);
  store = await openStore(database.url, () => {});
  read = createReadChanges(store, (work) => readFresh(store.changesPool, [CART_EVENTS], work));
  writers = Array.from({ length: WRITERS }, () => new pg.Client({ connectionString: database.url }));
  for (const writer of writers) await writer.connect();
});

beforeEach(() => database.admin.query('TRUNCATE counts_total'));

afterAll(async () => {
  for (const writer of writers) await writer.end();
  await store.close();
  await database.close();
  await server.stop();
});

/** What somebody shows who is told changes. */
type Client = { told(): Promise<void>; comesBack(): Promise<void>; readonly shown: Map<string, number> };

function show(shown: Map<string, number>, found: Found): void {
  if ('reset' in found) throw new Error(`told to read everything again: ${found.reset}`);
  for (const data of found.products.values()) {
    const { productId, added } = JSON.parse(data);
    shown.set(productId, added);
  }
}

async function listen(): Promise<Client> {
  const shown = new Map<string, number>();
  const catchUp = createCatchUp(read);
  const watch = createWatch(read);
  await watch.begun;
  let { id, told } = watch.standing();
  return {
    shown,
    async told() {
      await watch.look();
      const news = watch.recent.since(told, id);
      if (!news) return;
      for (const [, data] of news.bytes.toString().matchAll(/^data: (.*)$/gm)) {
        const { productId, added } = JSON.parse(data!);
        shown.set(productId, added);
      }
      [id, told] = [news.id, watch.recent.newest];
    },
    async comesBack() {
      // Another instance, that had been looking all the while.
      const { told: standing } = watch.standing();
      const found = await catchUp(id);
      show(shown, found);
      [id, told] = [found.id, standing];
    },
  };
}

/** The same with the last identity that was seen as the cursor. */
async function listenNaively(): Promise<Client> {
  const shown = new Map<string, number>();
  const last = async () => {
    const { rows } = await database.admin.query('SELECT max(xid)::text AS last FROM changes');
    return rows[0].last as string;
  };
  let seen = await last();
  const look = async () => {
    const { rows } = await database.admin.query(
      `SELECT t.product_id, t.added FROM counts_total t WHERE product_id IN
         (SELECT unnest(product_ids) FROM changes WHERE xid > $1::xid8)`,
      [seen],
    );
    for (const { product_id, added } of rows) shown.set(product_id, added);
    seen = await last();
  };
  return { shown, told: look, comesBack: look };
}

/** What is counted in the end, and what the client shows then. */
async function run(schedule: readonly Step[], open: () => Promise<Client>) {
  await database.admin.query('TRUNCATE counts_total');
  const client = await open();
  const isOpen = writers.map(() => false);
  const end = async (writer: number, how: string) => {
    if (!isOpen[writer]) return;
    isOpen[writer] = false;
    await writers[writer]!.query(how);
  };
  for (const { kind, ...rest } of schedule) {
    if (kind === 'stay') await client.told();
    else if (kind === 'come back') await client.comesBack();
    else {
      const { writer } = rest as { writer: number };
      if (kind !== 'write') await end(writer, kind);
      else {
        if (!isOpen[writer]) await writers[writer]!.query('BEGIN');
        isOpen[writer] = true;
        await writers[writer]!.query(
          `INSERT INTO counts_total AS c (product_id, added, removed, units_added, units_removed) VALUES ($1, 1, 0, 1, 0)
           ON CONFLICT (product_id) DO UPDATE SET added = c.added + 1`,
          [`of writer ${writer}`],
        );
      }
    }
  }
  for (const [writer] of writers.entries()) await end(writer, 'commit');
  await client.told();
  const { rows } = await database.admin.query('SELECT product_id, added FROM counts_total');
  const counted = new Map(rows.map(({ product_id, added }) => [product_id as string, added as number]));
  return { counted, shown: client.shown };
}

test('whoever listens, leaves and comes back is told every change, whatever commits late', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (schedule) => {
      const { counted, shown } = await run(schedule, listen);
      expect(shown).toEqual(counted);
    }),
    { numRuns: RUNS, examples: [[[...SLOW]]] },
  );
});

test('the last identity seen would be no cursor', async () => {
  const { counted, shown } = await run(SLOW, listenNaively);
  expect(shown).not.toEqual(counted);
  const after = await run(SLOW, listen);
  expect(after.shown).toEqual(after.counted);
});

test('a transaction in progress delays nobody, and one that only reads holds nothing back', async () => {
  const client = await listen();
  const [slow, reader] = [writers[0]!, writers[1]!];
  const write = (target: pg.Client | pg.Pool, productId: string) =>
    target.query(
      'INSERT INTO counts_total (product_id, added, removed, units_added, units_removed) VALUES ($1, 1, 0, 1, 0)',
      [productId],
    );
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await reader.query('SELECT count(*) FROM counts_total');
  const before = (await read(undefined)).kept.last;
  await write(database.admin, 'tea');
  expect((await read(undefined)).kept.last).toBeGreaterThan(before);
  await slow.query('BEGIN');
  await write(slow, 'milk');
  await write(database.admin, 'rice');
  await client.told();
  expect(client.shown).toEqual(
    new Map([
      ['tea', 1],
      ['rice', 1],
    ]),
  );
  expect((await read(undefined)).kept.above).toHaveLength(1);

  await slow.query('COMMIT');
  await reader.query('COMMIT');
  await client.told();
  expect([...client.shown.keys()].sort()).toEqual(['milk', 'rice', 'tea']);
  expect((await read(undefined)).kept.above).toEqual([]);
});
