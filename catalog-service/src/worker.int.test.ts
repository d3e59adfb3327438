import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { productsTag } from '@micromart/contracts/catalog/etag';
import type { LoggedEvent } from '@micromart/events/envelope';
import { parsePosition } from '@micromart/events/position';
import type { Running } from '@micromart/service/run';
import { until } from '@micromart/testing/until';
import { type Job, MAX_FAILURES } from './job.ts';
import { openTestCatalog, type TestCatalog, TRACEPARENT } from './testing/catalog.ts';
import { ndjsonFeed, openTestUpstream, type TestUpstream } from './testing/upstream.ts';

/** Two workers on one catalog. Jobs are accepted and products read as the API does it. */
let catalog: TestCatalog;
let upstream: TestUpstream;
let workers: Running[];

beforeAll(async () => {
  catalog = await openTestCatalog();
  upstream = await openTestUpstream(ndjsonFeed(100));
  const settings = { allowed: [upstream.host], limits: { chunkRows: 10 } };
  workers = await Promise.all([catalog.startWorker(settings), catalog.startWorker(settings)]);
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.close()));
  await Promise.all([catalog.close(), upstream.close()]);
});

afterEach(() => {
  upstream.manners = {};
});

const content = (amount: number, more: object = {}) => ({
  name: 'Tea',
  category: null,
  department: null,
  brand: null,
  size: null,
  price: { amount, currency: 'USD' },
  scheduledPrice: null,
  ...more,
});

const put = (productId: string, amount: number, more: object = {}) =>
  catalog.accept({ kind: 'put', productId, content: content(amount, more) });
const importFeed = (url = upstream.url) => catalog.accept({ kind: 'import', url });
const end = ({ id }: Job) => catalog.ended(id);
const product = async (id: string) => (await catalog.reader.products([id]))[0]?.product;

/** The events at a job's position, which must be in the log once it has ended. */
async function eventAt({ position }: Job): Promise<LoggedEvent> {
  const [place] = parsePosition(position!)!;
  return (await catalog.reader.log.page(place!.partition, place!.sequence - 1, 1))[0]!;
}

/** The worker that claims the job with price 5 waits for a lock that the test has. */
const HOLD_THE_FIRST_CLAIM = `
  CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock(5); RETURN NEW; END';
  CREATE TRIGGER hold BEFORE UPDATE ON jobs FOR EACH ROW
    WHEN (OLD.request -> 'content' -> 'price' ->> 'amount' = '5' AND OLD.request ->> 'productId' = 'price')
    EXECUTE FUNCTION hold()`;
const WAITS_FOR_LOCK = `SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
  WHERE datname = current_database() AND locktype = 'advisory' AND objid = 5 AND NOT granted`;

describe('a change', () => {
  test('is executed, with its event in the log and its trace in the event', async () => {
    const job = await end(await put('tea', 5));
    expect(job).toMatchObject({ state: 'done', result: 'applied', attempts: 1, error: null });
    expect(await product('tea')).toMatchObject({ price: { amount: 5 }, version: 1 });
    expect(await eventAt(job)).toMatchObject({
      type: 'catalog.product-changed',
      subject: 'tea',
      traceparent: TRACEPARENT,
    });
  });

  test('that changes nothing makes no event', async () => {
    await end(await put('same', 5));
    const job = await end(await put('same', 5));
    expect(job).toMatchObject({ state: 'done', result: 'unchanged' });
    expect(await product('same')).toMatchObject({ version: 1 });
  });

  test('withdraws a product', async () => {
    await end(await put('old', 5));
    const job = await end(await catalog.accept({ kind: 'withdraw', productId: 'old' }));
    expect(job).toMatchObject({ state: 'done', result: 'applied' });
    expect(await eventAt(job)).toMatchObject({ type: 'catalog.product-withdrawn' });
  });

  test('of an unknown product fails, and says why', async () => {
    const job = await end(await catalog.accept({ kind: 'withdraw', productId: 'never' }));
    expect(job).toMatchObject({ state: 'failed', error: { code: 'not-found' } });
  });

  test('whose If-Match no longer holds fails, and says why', async () => {
    await end(await put('match', 5));
    const ifMatch = `"${productsTag(catalog.reader.log.name, [{ id: 'match', version: 1 }])}"`;
    const order = (amount: number) =>
      catalog.accept({ kind: 'put', productId: 'match', content: content(amount), ifMatch });
    expect(await end(await order(6))).toMatchObject({ state: 'done', result: 'applied' });
    expect(await end(await order(7))).toMatchObject({
      state: 'failed',
      error: { code: 'precondition-failed', detail: expect.any(String) },
    });
    expect(await product('match')).toMatchObject({ price: { amount: 6 } });
  });

  test('that was accepted earlier and runs later does not undo what was accepted after it', async () => {
    const { admin } = catalog.queue;
    const holder = await admin.connect();
    try {
      await holder.query('SELECT pg_advisory_lock(5)');
      await holder.query(HOLD_THE_FIRST_CLAIM);
      const five = await put('price', 5);
      await until(async () => (await holder.query(WAITS_FOR_LOCK)).rowCount);
      const six = await put('price', 6);
      expect(await end(six)).toMatchObject({ state: 'done', result: 'applied' });
      await holder.query('SELECT pg_advisory_unlock(5)');
      expect(await end(five)).toMatchObject({ state: 'done', result: 'superseded' });
    } finally {
      await holder.query('SELECT pg_advisory_unlock_all()');
      await holder.query('DROP FUNCTION hold CASCADE');
      holder.release();
    }
    expect(await product('price')).toMatchObject({ price: { amount: 6 }, version: 1 });
  });
});

describe('a scheduled price', () => {
  test('that is due is stored, with its event', async () => {
    const from = new Date(Date.now() + 300).toISOString();
    const scheduledPrice = { price: { amount: 4, currency: 'USD' }, from };
    await end(await put('sale', 5, { scheduledPrice }));
    const state = await until(async () => {
      const found = await product('sale');
      return found?.scheduledPrice === null && found;
    });
    expect(state).toMatchObject({ price: { amount: 4 }, version: 2 });
  });
});

describe('an import', () => {
  test('writes a feed, and reports its progress and its result', async () => {
    upstream.file = Buffer.from(`${ndjsonFeed(40)}nonsense\n`);
    const job = await end(await importFeed());
    expect(job).toMatchObject({
      state: 'done',
      progress: { rows: 41, totalRows: 41, tally: { applied: 40 }, rejected: 1 },
      rejectedRows: [{ row: 41, message: 'is not valid JSON' }],
    });
    expect(job.progress!.bytes).toBe(job.progress!.totalBytes);
    expect(await product('p39')).toMatchObject({ price: { amount: 139 } });
    const again = await end(await importFeed());
    expect(again).toMatchObject({ state: 'done', progress: { tally: { applied: 0, unchanged: 40 } } });
  });

  test('that was accepted before a change does not overwrite it', async () => {
    upstream.file = Buffer.from(ndjsonFeed(40, 1_000));
    upstream.manners = { stallAt: 0 };
    const early = await importFeed();
    await until(async () => (await catalog.find(early.id)).state === 'active');
    await end(await put('p7', 77));
    upstream.manners = { cutAt: 0 };
    await catalog.jobRequests.cancel(early.id);
    expect(await end(early)).toMatchObject({ state: 'cancelled' });

    upstream.manners = { pace: { bytes: 500, pauseMs: 20 } };
    const slow = await importFeed();
    await until(async () => (await catalog.find(slow.id)).state === 'active');
    await end(await put('p39', 99));
    const job = await end(slow);
    expect(job).toMatchObject({ state: 'done', progress: { tally: { superseded: 1, applied: 39 } } });
    expect(await product('p39')).toMatchObject({ price: { amount: 99 } });
  });

  test('that waits for its upstream holds no resources, shows what it has written, and can be cancelled', async () => {
    upstream.file = Buffer.from(ndjsonFeed(100, 2_000));
    upstream.manners = { stallAt: upstream.file.indexOf('"p40"') };
    const { id } = await importFeed();
    await until(async () => (await catalog.find(id)).progress?.rows === 40);
    expect(await product('p39')).toMatchObject({ price: { amount: 2_039 } });
    expect(await product('p41')).toBeUndefined();
    for (const { admin } of [catalog.store, catalog.queue]) {
      const { rows } = await admin.query(
        `SELECT state, application_name FROM pg_stat_activity WHERE datname = current_database()
         AND application_name LIKE 'catalog-worker%' AND (state <> 'idle' OR xact_start IS NOT NULL)
         AND now() - state_change > '1 second'`,
      );
      expect(rows).toEqual([]);
    }
    const change = await end(await put('meanwhile', 5));
    expect(change).toMatchObject({ state: 'done' });
    expect(await catalog.jobRequests.cancel(id)).toBe(true);
    expect(await catalog.ended(id, { capMs: 3_000 })).toMatchObject({
      state: 'cancelled',
      progress: { rows: 40, totalRows: null },
    });
  });

  test.each([
    ['before its first line', 0],
    ['in its middle', 1_000],
  ])('from a host that says no length is cancelled, not ended, %s', async (_, stallAt) => {
    upstream.file = Buffer.from(ndjsonFeed(100, 7_000));
    upstream.manners = { lengthless: true, stallAt };
    upstream.served.length = 0;
    const { id } = await importFeed();
    await until(() => upstream.served.length === 1);
    expect(await catalog.jobRequests.cancel(id)).toBe(true);
    expect(await catalog.ended(id, { capMs: 10_000 })).toMatchObject({ state: 'cancelled', error: null });
  });

  test('continues after the last chunk when the upstream comes back', async () => {
    upstream.file = Buffer.from(ndjsonFeed(100, 3_000));
    const cutAt = upstream.file.indexOf('"p55"');
    upstream.manners = { cutAt };
    upstream.served.length = 0;
    const { id } = await importFeed();
    const waiting = await until(async () => {
      const job = await catalog.find(id);
      return job.error && job;
    });
    expect(waiting).toMatchObject({
      state: 'queued',
      error: { code: 'upstream-away' },
      progress: { rows: 50 },
    });
    upstream.manners = {};
    expect(await catalog.ended(id)).toMatchObject({
      state: 'done',
      attempts: 2,
      error: null,
      progress: { rows: 100, tally: { applied: 100 } },
    });
    expect(upstream.served).toEqual([
      { from: 0, ranged: false },
      { from: upstream.file.indexOf('{"id":"p50"'), ranged: true },
    ]);
  });

  test('does not fail while each attempt makes progress, and fails when none does', async () => {
    upstream.file = Buffer.from(ndjsonFeed(100, 5_000));
    const cutBefore = (id: string) => {
      upstream.manners = { cutAt: upstream.file.indexOf(`"${id}"`) };
    };
    /** Awaits the failure of an attempt, and makes the next one the one after so many failures. */
    const failed = async (id: string, rows: number) => {
      await until(async () => {
        const { state, error, progress } = await catalog.find(id);
        return state === 'queued' && error && progress?.rows === rows;
      });
      await catalog.queue.admin.query('UPDATE jobs SET failures = $2 WHERE id = $1', [id, MAX_FAILURES - 1]);
    };
    cutBefore('p25');
    const { id } = await importFeed();
    await failed(id, 20);
    cutBefore('p55');
    await failed(id, 50);
    expect(await catalog.ended(id)).toMatchObject({
      state: 'failed',
      attempts: 3,
      error: { code: 'upstream-away', detail: expect.stringContaining('Given up') },
      progress: { rows: 50 },
    });
  });

  test.each([
    ['upstream-refused', { status: 404 }],
    ['address-refused', { redirectTo: 'http://127.0.0.1:1/' }],
  ])('fails as %s, and says so', async (code, manners) => {
    upstream.manners = manners;
    expect(await end(await importFeed())).toMatchObject({ state: 'failed', error: { code }, attempts: 1 });
  });

  test('from an unlisted host fails, and names the host', async () => {
    const job = await end(await importFeed('https://feeds.example/'));
    expect(job.error).toEqual({
      code: 'address-refused',
      detail: expect.stringContaining('feeds.example:443'),
    });
  });

  test('is handed over by a worker that ends, without delay', async () => {
    upstream.file = Buffer.from(ndjsonFeed(100, 4_000));
    upstream.manners = { stallAt: upstream.file.indexOf('"p31"') };
    const { id } = await importFeed();
    await until(async () => (await catalog.find(id)).progress?.rows === 30);
    await Promise.all(workers.map((worker) => worker.close()));
    expect(await catalog.find(id)).toMatchObject({ state: 'queued', attempts: 1, error: null });
    upstream.manners = {};
    const settings = { allowed: [upstream.host], limits: { chunkRows: 10 } };
    workers = await Promise.all([catalog.startWorker(settings), catalog.startWorker(settings)]);
    expect(await catalog.ended(id, { capMs: 8_000 })).toMatchObject({
      state: 'done',
      attempts: 2,
      progress: { tally: { applied: 100 } },
    });
  });
});

type Readiness = { readonly parts: { readonly writes: { readonly ok: boolean; readonly detail?: string } } };

test('a worker whose disk is full says so, and recovers when space is freed', async () => {
  const { admin } = catalog.store;
  const writes = async () => {
    const answers = await Promise.all(workers.map(({ url }) => fetch(`${url}/health/ready`)));
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as Readiness[];
    const parts = bodies.map((body) => body.parts.writes);
    return { statuses: answers.map(({ status }) => status), parts };
  };
  await admin.query(`CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$;
    CREATE TRIGGER disk_full BEFORE INSERT ON event_log_events FOR EACH ROW EXECUTE FUNCTION disk_full()`);
  const jobs = await Promise.all([put('full-1', 5), put('full-2', 5)]);
  const { statuses } = await until(async () => {
    const now = await writes();
    return now.parts.some(({ ok, detail }) => !ok && detail?.includes('full')) && now;
  });
  expect(statuses).toEqual([200, 200]);
  await admin.query('DROP FUNCTION disk_full CASCADE');
  for (const job of jobs) expect(await end(job)).toMatchObject({ state: 'done' });
  let n = 0;
  await until(async () => {
    n += 1;
    await end(await put(`room-${n}`, 5));
    return (await writes()).parts.every(({ ok }) => ok);
  });
});

test('a worker reports its health, and counts its work', async () => {
  const ready = await fetch(`${workers[0]!.url}/health/ready`);
  expect([ready.status, await ready.json()]).toMatchObject([
    200,
    { ready: true, parts: { store: { ok: true }, jobs: { ok: true } } },
  ]);
  await Promise.all(Array.from({ length: 20 }, async (_, n) => end(await put(`metric-${n}`, 5))));
  const texts = await Promise.all(workers.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
  expect(texts.join('\n')).toMatch(
    /catalog_jobs_ended_total\{kind="put",state="done",service="catalog-worker"\} \d/,
  );
  expect(texts.join('\n')).toContain('catalog_jobs_waiting');
});
