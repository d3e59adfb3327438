import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import { IMPORT_LIMITS } from './imports/limits.ts';
import { openTestCatalog, type TestCatalog } from './testing/catalog.ts';
import { ndjsonFeed, openTestUpstream, type TestUpstream } from './testing/upstream.ts';
import { startWorkerProcess, type WorkerProcess } from './testing/worker-process.ts';

/**
 * Workers as real processes, which die and freeze in the middle of an import. TEST_IMPORT_KILLS=10 makes more of them die,
 * and imports as many products as a real supplier has.
 */
const USUAL_KILLS = 3;
const KILLS = Number(process.env.TEST_IMPORT_KILLS ?? USUAL_KILLS);
const ROWS = KILLS > USUAL_KILLS ? 68_189 : 5_000;
const CHUNK_ROWS = IMPORT_LIMITS.chunkRows;
/** A takeover may take two heartbeats; a busy machine gets more. */
const TAKEOVER_CAP_MS = 40_000;
const TEST_TIMEOUT_MS = (KILLS + 2) * TAKEOVER_CAP_MS;

let catalog: TestCatalog;
let upstream: TestUpstream;
let living: WorkerProcess[];
let started: WorkerProcess[];

const startWorker = async () => {
  const worker = await startWorkerProcess(catalog.environment({ allowed: [upstream.host] }));
  living.push(worker);
  started.push(worker);
};

beforeEach(async () => {
  living = [];
  started = [];
  catalog = await openTestCatalog();
  upstream = await openTestUpstream(ndjsonFeed(ROWS), { pace: { bytes: 8_192, pauseMs: 50 } });
  await startWorker();
  await startWorker();
});

afterEach(async () => {
  await Promise.all(started.map((worker) => worker.kill()));
  await Promise.all([catalog.close(), upstream.close()]);
});

/** The worker that has the import: the living one that has written some of it. */
async function takeOutBusy(): Promise<WorkerProcess> {
  const rows = await Promise.all(living.map((worker) => worker.rows()));
  const [busy] = living.splice(
    rows.findIndex((count) => count > 0),
    1,
  );
  return busy!;
}

const rowOf = (offset: number): number => upstream.file.subarray(0, offset).toString().split('\n').length - 1;
const count = async (sql: string): Promise<number> =>
  Number((await catalog.store.admin.query(sql)).rows[0].count);
const productsWritten = () => count('SELECT count(*) FROM products');
const eventsLogged = () => count('SELECT sum(last) AS count FROM event_log_heads');

const wholeChunks = (rows: number) => Math.floor(rows / CHUNK_ROWS) * CHUNK_ROWS;
const untilWritten = (id: string, rows: number) =>
  until(async () => ((await catalog.find(id)).progress?.rows ?? 0) >= rows, { capMs: TAKEOVER_CAP_MS });

async function expectAllRight(id: string) {
  const job = await catalog.ended(id, { capMs: TAKEOVER_CAP_MS });
  expect(job).toMatchObject({
    state: 'done',
    progress: { rows: ROWS, totalRows: ROWS, tally: { applied: ROWS, unchanged: 0, superseded: 0 } },
  });
  expect(await productsWritten()).toBe(ROWS);
  expect(await eventsLogged()).toBe(ROWS);
  expect(
    await count(
      `SELECT count(*) FROM products
       WHERE (state -> 'price' ->> 'amount')::int = 100 + substr(id, 2)::int AND version = 1`,
    ),
  ).toBe(ROWS);
  return job;
}

test(
  'continues where a worker was killed, again and again, and requests at most one chunk twice',
  async () => {
    const { id } = await catalog.accept({ kind: 'import', url: upstream.url });
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const rows = wholeChunks((ROWS * kill) / (KILLS + 1));
      await untilWritten(id, rows);
      const asked = upstream.served.length;
      const busy = await takeOutBusy();
      await busy.kill();
      const written = await productsWritten();
      await startWorker();
      await until(() => upstream.served.length > asked, { capMs: TAKEOVER_CAP_MS });
      const { from, ranged } = upstream.served.at(-1)!;
      expect(ranged).toBe(true);
      expect(written - rowOf(from)).toBeLessThanOrEqual(CHUNK_ROWS);
      expect(rowOf(from)).toBeGreaterThanOrEqual(rows);
    }
    const { attempts } = await expectAllRight(id);
    expect(attempts).toBe(KILLS + 1);
    expect(upstream.served).toHaveLength(KILLS + 1);
  },
  TEST_TIMEOUT_MS,
);

test(
  'is not disturbed by a worker that was frozen and wakes up',
  async () => {
    const { id } = await catalog.accept({ kind: 'import', url: upstream.url });
    await untilWritten(id, CHUNK_ROWS);
    const frozen = await takeOutBusy();
    frozen.signal('SIGSTOP');
    await until(async () => (await catalog.find(id)).attempts === 2, { capMs: TAKEOVER_CAP_MS });
    frozen.signal('SIGCONT');
    const { attempts } = await expectAllRight(id);
    expect(attempts).toBe(2);
    await until(() => frozen.rows());
    expect(await eventsLogged()).toBe(ROWS);
  },
  TEST_TIMEOUT_MS,
);
