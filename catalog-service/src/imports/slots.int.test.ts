import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Running } from '@micromart/service/run';
import { until } from '@micromart/testing/until';
import { openTestCatalog, type TestCatalog } from '../testing/catalog.ts';
import { ndjsonFeed, openTestUpstream, type TestUpstream } from '../testing/upstream.ts';
import { IMPORTS } from '../worker.ts';

/** A worker, a supplier whose feeds arrive too slowly, and a healthy one. */
const LIMITS = { rateWindowMs: 500, minWindowBytes: 10_000 };
const CAP_MS = 60_000;

let catalog: TestCatalog;
let dripping: TestUpstream;
let well: TestUpstream;
let worker: Running;

beforeEach(async () => {
  catalog = await openTestCatalog();
  dripping = await openTestUpstream(ndjsonFeed(1_000), { pace: { bytes: 70, pauseMs: 50 } });
  well = await openTestUpstream(ndjsonFeed(10));
  worker = await catalog.startWorker({ allowed: [dripping.host, well.host], limits: LIMITS });
});

afterEach(async () => {
  await worker.close();
  await Promise.all([catalog.close(), dripping.close(), well.close()]);
});

test(
  'slow feeds in all slots for imports keep no other import out',
  async () => {
    const drips = await Promise.all(
      Array.from({ length: IMPORTS.concurrency }, () =>
        catalog.accept({ kind: 'import', url: dripping.url }),
      ),
    );
    await until(() => dripping.served.length >= IMPORTS.concurrency, { capMs: CAP_MS });
    const { id } = await catalog.accept({ kind: 'import', url: well.url });
    expect(await catalog.ended(id, { capMs: CAP_MS })).toMatchObject({
      state: 'done',
      progress: { rows: 10 },
    });
    for (const drip of drips) expect(await catalog.find(drip.id)).toMatchObject({ finishedAt: null });
  },
  2 * CAP_MS,
);
