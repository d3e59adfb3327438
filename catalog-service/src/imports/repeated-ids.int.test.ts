/** Feeds that name a product more than once, with each engine's store and a job repository that can fail. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MONGODB_START_CAP_MS } from '@micromart/testing/mongodb';
import fc from 'fast-check';
import type { ImportProgress } from '../job.ts';
import type { CatalogWriter } from '../store/store.ts';
import { describeOnEachStore } from '../testing/each-store.ts';
import { openTestImportJobs, type TestImportJobs } from '../testing/import-jobs.ts';
import { type ImportWork, importFeed } from './import-feed.ts';

const CHUNK_ROWS = 5;
const RUNS = 25;
const RUNS_CAP_MS = 240_000;

/** A line about a product: its number, and its price. */
type Line = readonly [product: number, amount: number];

let jobs: TestImportJobs;

beforeAll(async () => {
  jobs = await openTestImportJobs();
});
afterAll(() => jobs.close());

/** One attempt at a job; its worker dies before its `diesAt`th record. */
async function attempt(
  store: CatalogWriter,
  job: string,
  diesAt = Number.POSITIVE_INFINITY,
): Promise<ImportProgress> {
  const { jobRepository, upstream } = jobs;
  const [claim] = await jobRepository.claim([job]);
  let records = 0;
  const dying: ImportWork['jobRepository'] = {
    held: jobRepository.held,
    async record(...given) {
      records += 1;
      if (records === diesAt) throw new Error('died');
      return jobRepository.record(...given);
    },
  };
  const work = { ...jobs.workOn(store, { chunkRows: CHUNK_ROWS }), jobRepository: dying };
  const progress = await importFeed(upstream.url, claim!, work, new AbortController().signal);
  await jobRepository.end([{ claim: claim!, state: 'done' }]);
  return progress;
}

const heldRows = async () => (await jobs.database.admin.query('SELECT FROM held_rows')).rowCount;

function describeRepeatedIds(engine: string, open: () => Promise<CatalogWriter>) {
  describe(`an import on ${engine}`, () => {
    let store: CatalogWriter;
    let feeds = 0;
    beforeAll(async () => {
      store = await open();
    }, MONGODB_START_CAP_MS);
    afterAll(() => store?.close());

    /** A feed with products of its own, so that no feed affects another. */
    function feed() {
      feeds += 1;
      const idOf = (product: number) => `f${feeds}-${product}`;
      const textOf = (lines: readonly Line[]) =>
        lines
          .map(([product, amount]) =>
            JSON.stringify({ id: idOf(product), name: 'Tea', price: { amount, currency: 'USD' } }),
          )
          .join('\n');
      return {
        async import(lines: readonly Line[], diesAt?: number) {
          jobs.upstream.file = Buffer.from(`${textOf(lines)}\n`);
          const job = await jobs.accept();
          if (diesAt !== undefined) await attempt(store, job, diesAt).catch(requireDeath);
          return (await isEnded(job)) ? undefined : attempt(store, job);
        },
        textOf,
        states: async (lines: readonly Line[]) =>
          Promise.all(
            [...new Set(lines.map(([product]) => product))].map((one) => store.products.read(idOf(one))),
          ),
        prices: async (lines: readonly Line[]) =>
          Object.fromEntries(
            await Promise.all(
              lines.map(async ([product]) => [
                product,
                (await store.products.read(idOf(product)))?.state.price.amount,
              ]),
            ),
          ),
      };
    }
    const isEnded = async (id: string) =>
      (await jobs.database.admin.query(`SELECT FROM jobs WHERE id = $1 AND state = 'done'`, [id]))
        .rowCount === 1;
    const requireDeath = (error: Error) => {
      if (error.message !== 'died') throw error;
    };
    const lastOf = (lines: readonly Line[]) => Object.fromEntries(lines);
    const repeatedIn = (lines: readonly Line[]) => {
      const counts = new Map<number, number>();
      for (const [product] of lines) counts.set(product, (counts.get(product) ?? 0) + 1);
      return [...counts.values()].filter((count) => count > 1).length;
    };
    const rowsIn = ({ tally, rejected }: ImportProgress) =>
      tally.applied + tally.unchanged + tally.superseded + rejected;

    const filled = (count: number): Line[] => Array.from({ length: count }, (_, n) => [n + 1, 7]);

    test.each([0, 1, 3, 4, 5, 6, 23])(
      'of a feed that names a product twice with %d lines between writes the last, and an unchanged file changes nothing',
      async (between) => {
        const { import: importLines, prices, states } = feed();
        const lines: Line[] = [[0, 1], ...filled(between), [0, 2], [between + 1, 7]];
        expect(await importLines(lines)).toMatchObject({ rows: lines.length, repeated: 1 });
        expect(await prices(lines)).toEqual(lastOf(lines));
        const before = {
          heads: (await store.log.heads()).last,
          states: (await states(lines)).map((one) => one?.state.version),
        };
        for (let times = 0; times < 2; times += 1) {
          const again = await importLines(lines);
          expect(again).toMatchObject({
            repeated: 1,
            totalRows: lines.length,
            tally: { applied: 0, unchanged: lines.length - 1, superseded: 1 },
          });
          expect({
            heads: (await store.log.heads()).last,
            states: (await states(lines)).map((one) => one?.state.version),
          }).toEqual(before);
        }
      },
    );

    test('writes a product at once again after a feed has named it once', async () => {
      const { import: importLines, prices } = feed();
      const twice: Line[] = [[0, 1], ...filled(9), [0, 2]];
      await importLines(twice);
      const once: Line[] = [[0, 1], ...filled(9)];
      expect(await importLines(once)).toMatchObject({ repeated: 0, tally: { applied: 1, unchanged: 9 } });
      expect(await prices(once)).toEqual(lastOf(once));
      expect(await importLines(once)).toMatchObject({ repeated: 0, tally: { applied: 0, unchanged: 10 } });
      expect(await importLines(twice)).toMatchObject({ repeated: 1 });
      expect(await prices(twice)).toEqual(lastOf(twice));
    });

    test('of a compressed feed that is damaged at its end writes the last line before the damage', async () => {
      const { import: importLines, textOf, prices } = feed();
      const lines: Line[] = [[0, 1], ...filled(9), [0, 2]];
      await importLines(lines);
      const changed: Line[] = [[0, 3], ...filled(9), [0, 4], [10, 7]];
      jobs.upstream.file = gzipSync(`${textOf(changed)}\n`).subarray(0, -4);
      await expect(attempt(store, await jobs.accept())).rejects.toMatchObject({ fault: 'feed-unreadable' });
      expect(await prices(changed)).toEqual(lastOf(changed));
    });

    test('that continues with a changed file drops the held rows of the old one', async () => {
      const { import: importLines, textOf, prices } = feed();
      const lines: Line[] = [[0, 1], ...filled(9), [0, 2]];
      await importLines(lines);
      const job = await jobs.accept();
      jobs.upstream.file = Buffer.from(`${textOf([[0, 3], ...filled(30)])}\n`);
      await expect(attempt(store, job, 4)).rejects.toThrow('died');
      const other = filled(9);
      jobs.upstream.file = Buffer.from(`${textOf(other)}\n`);
      expect(await attempt(store, job)).toMatchObject({ rows: 9, repeated: 0 });
      expect(await prices(lines)).toEqual(lastOf(lines));
      expect(await heldRows()).toBe(0);
    });

    test(
      'writes the last line of each product, wherever its worker dies, and the same file again changes nothing',
      () =>
        fc.assert(
          fc.asyncProperty(
            fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 30 }),
            fc.integer({ min: 1, max: 8 }),
            fc.integer({ min: 1, max: 8 }),
            async (lines, diesAt, diesAtAgain) => {
              const { import: importLines, prices, states } = feed();
              const first = await importLines(lines, diesAt);
              expect(await prices(lines)).toEqual(lastOf(lines));
              if (first) {
                expect(first).toMatchObject({ rows: lines.length, repeated: repeatedIn(lines) });
                expect(rowsIn(first)).toBe(lines.length);
              }
              const { last } = await store.log.heads();
              const versions = (await states(lines)).map((one) => one?.state.version);
              const again = await importLines(lines, diesAtAgain);
              expect((await store.log.heads()).last).toEqual(last);
              expect((await states(lines)).map((one) => one?.state.version)).toEqual(versions);
              if (again) {
                expect(again).toMatchObject({
                  rows: lines.length,
                  repeated: repeatedIn(lines),
                  tally: { applied: 0 },
                });
                expect(rowsIn(again)).toBe(lines.length);
              }
              expect(await heldRows()).toBe(0);
            },
          ),
          { numRuns: RUNS },
        ),
      RUNS_CAP_MS,
    );
  });
}

describeOnEachStore(describeRepeatedIds);
