import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { parseAllowedHosts } from '../feed-hosts.ts';
import type { HeldRow, ImportProgress, RejectedRow } from '../job.ts';
import type { Claim } from '../jobs/job-repository.ts';
import { openCatalogWriter } from '../store/open-store.ts';
import type { CatalogWriter } from '../store/store.ts';
import { ndjsonFeed, openTestUpstream, type TestUpstream } from '../testing/upstream.ts';
import { type ImportWork, importFeed } from './import-feed.ts';
import { IMPORT_LIMITS } from './limits.ts';
import { createPace } from './pace.ts';

/** An import with a store, and a job repository that fails when a test says so. */
let database: TestDatabase;
let store: CatalogWriter;
let upstream: TestUpstream;
let recorded: ImportProgress | null;
let rejected: RejectedRow[];
let held: Map<string, HeldRow>;
let job = 0;

beforeAll(async () => {
  database = await openTestDatabase();
  store = await openCatalogWriter(database.url, { onError: () => {} });
});
afterAll(async () => {
  await store.close();
  await database.close();
});
beforeEach(async () => {
  upstream = await openTestUpstream(ndjsonFeed(35));
  recorded = null;
  rejected = [];
  held = new Map();
  job += 1;
});
afterEach(() => upstream.close());

/** Runs an attempt; from its `diesAt`th record on, nothing is written. */
async function attempt({
  diesAt = Number.POSITIVE_INFINITY,
}: {
  diesAt?: number;
} = {}): Promise<ImportProgress> {
  let records = 0;
  const jobRepository: ImportWork['jobRepository'] = {
    async record(_, progress, written) {
      records += 1;
      if (records === diesAt) throw new Error('died');
      recorded = progress;
      if (written.released === 'all') held.clear();
      for (const row of written.held ?? []) {
        held.set(row.productId, { ...row, times: row.times + (held.get(row.productId)?.times ?? 0) });
      }
      for (const id of written.released ?? []) held.delete(id);
      rejected.push(...written.rejected);
      return true;
    },
    held: async (_, limit) => [...held.values()].slice(0, limit),
  };
  const claim = { number: job, claim: 1, traceparent: null, progress: recorded } as Claim;
  const requestOptions = {
    allowed: parseAllowedHosts(upstream.host)!,
    limits: { ...IMPORT_LIMITS, chunkRows: 10 },
  };
  const work = {
    store,
    jobRepository,
    requestOptions,
    pace: createPace(),
    now: () => new Date(),
    onChunk: () => {},
  };
  return importFeed(upstream.url, claim, work, new AbortController().signal);
}

const price = async (id: string) => (await store.products.read(id))?.state.price.amount;
const versions = async () =>
  (await Promise.all(Array.from({ length: 35 }, (_, n) => store.products.read(`p${n}`)))).map(
    (document) => document?.state.version,
  );

test('a chunk that was written but not recorded is repeated with the same result', async () => {
  upstream.file = Buffer.from(ndjsonFeed(35, job * 1_000));
  await expect(attempt({ diesAt: 3 })).rejects.toThrow('died');
  expect(recorded).toMatchObject({ rows: 10, tally: { applied: 10 } });
  const before = await versions();
  const end = await attempt();
  expect(end).toMatchObject({ rows: 35, totalRows: 35, tally: { applied: 35, unchanged: 0, superseded: 0 } });
  expect((await versions()).slice(0, 20)).toEqual(before.slice(0, 20));
  expect(upstream.served.at(-1)).toMatchObject({ ranged: true });
});

test('a changed file is read from its start, and its rows win', async () => {
  upstream.file = Buffer.from(ndjsonFeed(35, 10_000));
  await expect(attempt({ diesAt: 4 })).rejects.toThrow('died');
  upstream.file = Buffer.from(ndjsonFeed(34, 200_000));
  const end = await attempt();
  expect(end).toMatchObject({ rows: 34, tally: { applied: 34 } });
  expect([await price('p0'), await price('p29'), await price('p33')]).toEqual([200_000, 200_029, 200_033]);
});

test('a file that changes between writing and recording its first chunk counts as another', async () => {
  upstream.file = Buffer.from(ndjsonFeed(35, 300_000));
  await expect(attempt({ diesAt: 2 })).rejects.toThrow('died');
  expect(await price('p0')).toBe(300_000);
  upstream.file = Buffer.from(ndjsonFeed(34, 400_000));
  await attempt();
  expect(await price('p0')).toBe(400_000);
});

test('a file without a validator is read from its start each time', async () => {
  upstream.manners = { etag: null };
  upstream.file = Buffer.from(ndjsonFeed(35, 500_000));
  await expect(attempt({ diesAt: 3 })).rejects.toThrow('died');
  upstream.file = Buffer.from(ndjsonFeed(35, 600_000));
  const end = await attempt();
  expect(end).toMatchObject({ rows: 35, furthestRows: 35, tally: { applied: 35 } });
  expect(await price('p34')).toBe(600_034);
});

test('the last of several lines about one product wins, however often they are executed', async () => {
  const line = (amount: number) =>
    `{"id":"twice","name":"Twice","price":{"amount":${amount},"currency":"USD"}}\n`;
  const fill = ndjsonFeed(8, 700_000);
  upstream.file = Buffer.from(`${line(1)}${fill}${line(2)}${fill}${line(3)}`);
  await expect(attempt({ diesAt: 2 })).rejects.toThrow('died');
  expect(await attempt()).toMatchObject({
    rows: 19,
    tally: { applied: 10, unchanged: 8, superseded: 1 },
    repeated: 9,
  });
  expect(await price('twice')).toBe(3);
});

test('rejected rows are listed, and the others are written', async () => {
  upstream.file = Buffer.from(`${ndjsonFeed(2, 800_000)}{"id":"x"}\n\nnonsense\n${ndjsonFeed(3, 800_000)}`);
  expect(await attempt()).toMatchObject({ rows: 7, rejected: 2, mark: { line: 8 } });
  expect(rejected.map(({ row }) => row)).toEqual([3, 5]);
});

test('a compressed file that is damaged at its end fails, and every row before the damage is written', async () => {
  upstream.file = gzipSync(ndjsonFeed(37, 900_000)).subarray(0, -3);
  await expect(attempt()).rejects.toMatchObject({ message: expect.stringContaining('line 37') });
  expect(recorded).toMatchObject({ rows: 37, totalRows: null, tally: { applied: 37 } });
  expect(await price('p36')).toBe(900_036);
});
