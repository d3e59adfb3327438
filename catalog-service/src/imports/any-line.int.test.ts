/** Feeds with arbitrary lines, with each engine's store and the job repository that records the results. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MONGODB_START_CAP_MS } from '@micromart/testing/mongodb';
import { isStorable } from '@micromart/text/storable';
import fc from 'fast-check';
import type { ImportProgress, RejectedRow } from '../job.ts';
import type { CatalogWriter } from '../store/store.ts';
import { describeOnEachStore } from '../testing/each-store.ts';
import { openTestImportJobs, type TestImportJobs } from '../testing/import-jobs.ts';
import { importFeed } from './import-feed.ts';

const RUNS = 30;
const RUNS_CAP_MS = 240_000;

const CSV_HEADER = 'product_id,name,department,category,brand,size,price_cents';
const noLineFeed = (line: Buffer) => Buffer.from(line.filter((byte) => byte !== 0x0a));

/** Text that stores refuse or change, and characters that a cut may halve. */
const awkward = fc
  .array(
    fc.oneof(fc.constantFrom('\0', '\ud83d', '\ude00', '😀', '"', ',', '\\', '__proto__', '.'), fc.string()),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));
const long = fc
  .tuple(fc.constantFrom('😀', '\0', '\ud800', 'é'), fc.integer({ min: 60, max: 400 }), fc.nat(3))
  .map(([unit, times, shift]) => 'x'.repeat(shift) + unit.repeat(times));
const bytes = fc.uint8Array({ maxLength: 60 }).map((given) => Buffer.from(given));
const text = fc.oneof(awkward, long);
/** A product with some fields replaced. */
const ODD = { id: 'odd', name: 'Odd', price: { amount: 1, currency: 'USD' } };
const jsonLine = fc
  .oneof(
    fc.dictionary(text, fc.oneof(text, fc.double(), fc.constant(null)), { maxKeys: 3 }),
    fc.dictionary(text, fc.constant(1), { maxKeys: 2 }).map((unknown) => ({ ...unknown, ...ODD })),
    fc.record({ id: text, name: text, price: fc.record({ amount: fc.double(), currency: text }) }),
    text.map((name) => ({ ...ODD, name })),
    fc.jsonValue(),
  )
  .map((value) => Buffer.from(JSON.stringify(value)));
const csvLine = fc.array(text, { minLength: 5, maxLength: 8 }).map((cells) => Buffer.from(cells.join(',')));

let jobs: TestImportJobs;

beforeAll(async () => {
  jobs = await openTestImportJobs();
});
afterAll(() => jobs.close());

type Outcome = { readonly progress: ImportProgress; readonly rejected: readonly RejectedRow[] };

/** Imports a file to its end, as a job of its own. */
async function importFile(store: CatalogWriter, file: Buffer): Promise<Outcome> {
  const { jobRepository, upstream, database } = jobs;
  upstream.file = file;
  const [claim] = await jobRepository.claim([await jobs.accept()]);
  const progress = await importFeed(upstream.url, claim!, jobs.workOn(store), new AbortController().signal);
  expect(await jobRepository.end([{ claim: claim!, state: 'done' }])).toHaveLength(1);
  const ended = await database.admin.query<{ rejected: RejectedRow[] }>(
    'SELECT rejected_rows AS rejected FROM jobs WHERE number = $1',
    [claim!.number],
  );
  return { progress, rejected: ended.rows[0]!.rejected };
}

function describeAnyLine(engine: string, open: () => Promise<CatalogWriter>) {
  describe(`an import on ${engine}`, () => {
    let store: CatalogWriter;
    let imports = 0;
    beforeAll(async () => {
      store = await open();
    }, MONGODB_START_CAP_MS);
    afterAll(() => store?.close());

    /** Good lines before, between and after the others: all of them are written, and the job says why the others are not. */
    async function expectGoodRows(head: string, good: (id: string) => string, others: readonly Buffer[]) {
      imports += 1;
      const ids = Array.from({ length: others.length + 1 }, (_, n) => `good-${imports}-${n}`);
      const lines = ids.flatMap((id, n) => [
        Buffer.from(good(id)),
        ...others.slice(n, n + 1).map(noLineFeed),
      ]);
      const file = Buffer.concat([head, ...lines].map((line) => Buffer.concat([Buffer.from(line), EOL])));
      const { progress, rejected } = await importFile(store, file);
      const { tally } = progress;
      expect(progress.totalRows).toBe(progress.rows);
      expect(tally.applied + tally.unchanged + tally.superseded + progress.rejected).toBe(progress.rows);
      expect(rejected).toHaveLength(progress.rejected);
      expect(rejected.filter(({ message }) => !isStorable(message) || message === '')).toEqual([]);
      const found = await Promise.all(ids.map((id) => store.products.read(id)));
      expect(found.map((document) => document?.state.price.amount)).toEqual(ids.map(() => 7));
    }

    const jsonOf = (id: string) =>
      JSON.stringify({ id, name: 'Good', price: { amount: 7, currency: 'USD' } });

    test.each([
      ['an unknown key with NUL in it', { 'a\0b': 1 }],
      ['an unknown key with half a character', { '\ud800': 1 }],
      ['an unknown key of many characters, the cut between any two', { ['😀'.repeat(300)]: 1 }],
      ['the same, the cut one further', { [`x${'😀'.repeat(300)}`]: 1 }],
    ])('goes past %s', async (_, line) => {
      await expectGoodRows('', jsonOf, [Buffer.from(JSON.stringify({ ...ODD, ...line }))]);
    });

    test(
      'of NDJSON with arbitrary lines ends, with its good lines written',
      () =>
        fc.assert(
          fc.asyncProperty(fc.array(fc.oneof(jsonLine, bytes), { maxLength: 6 }), (others) =>
            expectGoodRows('', jsonOf, others),
          ),
          { numRuns: RUNS },
        ),
      RUNS_CAP_MS,
    );

    test(
      'of CSV with arbitrary lines ends, with its good lines written',
      () =>
        fc.assert(
          fc.asyncProperty(fc.array(fc.oneof(csvLine, bytes), { maxLength: 6 }), (others) =>
            expectGoodRows(CSV_HEADER, (id) => `${id},Good,,,,,7`, others),
          ),
          { numRuns: RUNS },
        ),
      RUNS_CAP_MS,
    );
  });
}

const EOL = Buffer.from('\n');

describeOnEachStore(describeAnyLine);
