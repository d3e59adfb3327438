import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import fc from 'fast-check';
import type { Annotation } from '../annotation.ts';
import { openStore } from '../store/open-store.ts';
import { createAnnotationKeySweep } from '../store/postgres-annotations.ts';
import type { CountStore } from '../store/store.ts';
import { annotationRoutes } from './annotations.ts';

const NOW = '2026-11-20T12:34:56.789Z';

let database: TestDatabase;
let store: CountStore;

beforeAll(async () => {
  database = await openTestDatabase();
  store = await openStore(database.url, () => {});
});

beforeEach(() => database.admin.query('TRUNCATE annotations, annotation_keys'));

afterAll(async () => {
  await store.close();
  await database.close();
});

type Given = { body?: object; params?: object; query?: object; key?: string; subject?: string };
type Answered = { status: number; headers?: Record<string, string>; body: Annotation & Page };
type Page = { items: Annotation[]; next: string | null };

/** Another process of the service for each request. */
function ask(
  method: 'get' | 'post' | 'delete',
  { body, params = {}, query = {}, key, subject = 'berta' }: Given,
) {
  const routes = annotationRoutes({ annotations: store.annotations, now: () => new Date(NOW) });
  const route = routes.find((one) => one.method === method)!;
  const request = {
    params,
    query: route.query.parse(query),
    headers: { 'Idempotency-Key': key },
    body: route.body?.parse(body),
    caller: { subject, roles: ['business'] },
    raw: { method: method.toUpperCase(), originalUrl: '/annotations', headers: {} },
  };
  return Promise.resolve(route.handle(request as never)) as Promise<Answered>;
}

const SALE = { at: '2026-11-20T09:00:00+01:00', text: 'Sale begins' };
const list = async (query: object = {}) => (await ask('get', { query })).body;

test('what is noted is listed, with its time in UTC and who wrote it', async () => {
  const { status, headers, body } = await ask('post', { body: { ...SALE, productId: '__proto__' } });
  expect(status).toBe(201);
  expect(headers).toEqual({ Location: `/annotations/${body.id}` });
  expect(body).toMatchObject({
    ...SALE,
    at: '2026-11-20T08:00:00.000Z',
    productId: '__proto__',
    author: 'berta',
    writtenAt: NOW,
  });
  expect(await list()).toEqual({ items: [body], next: null });
});

test('a note is deleted once, by anybody', async () => {
  const { body } = await ask('post', { body: SALE });
  expect(await ask('delete', { params: { id: body.id }, subject: 'otto' })).toEqual({ status: 204 });
  expect((await list()).items).toEqual([]);
  for (const id of [body.id, randomUUID()]) {
    await expect(ask('delete', { params: { id } })).rejects.toMatchObject({ code: 'not-found' });
  }
});

test.each([
  ['no text', { at: SALE.at }],
  ['blanks alone', { ...SALE, text: ' \u3000 ' }],
  ['too much text', { ...SALE, text: 'x'.repeat(501) }],
  ['several lines', { ...SALE, text: 'a\nb' }],
  ['a time without a zone', { ...SALE, at: '2026-11-20T09:00:00' }],
  ['a field that is not known', { ...SALE, color: 'red' }],
  ['a product that can be none', { ...SALE, productId: '../x' }],
])('refuses a note with %s', async (_, body) => {
  expect(() =>
    annotationRoutes({ annotations: store.annotations, now: () => new Date() })[1]!.body!.parse(body),
  ).toThrow();
});

test('a list has those of its window, of its product or of all, page by page in the order of their times', async () => {
  const aNote = fc.record({
    at: fc.integer({ min: 0, max: 9 }).map((hour) => `2026-11-20T0${hour}:00:00.000Z`),
    text: fc.constantFrom('x', '=1+1', 'שלום', '😀'),
    productId: fc.constantFrom(undefined, 'tea', 'milk'),
  });
  const aBound = fc.option(
    fc.integer({ min: 0, max: 9 }).map((hour) => `2026-11-20T0${hour}:00:00.000Z`),
    { nil: undefined },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(aNote, { maxLength: 12 }),
      aBound,
      aBound,
      fc.constantFrom(undefined, 'tea'),
      fc.integer({ min: 1, max: 5 }),
      async (notes, a, b, productId, limit) => {
        await database.admin.query('TRUNCATE annotations');
        for (const { productId, ...note } of notes)
          await ask('post', { body: { ...note, ...(productId && { productId }) } });
        const [from, to] = a && b && a > b ? [b, a] : [a, b];
        const query = {
          ...(from && { from }),
          ...(to && { to }),
          ...(productId && { productId }),
          limit: String(limit),
        };
        const found: Annotation[] = [];
        for (let next: string | null | undefined; next !== null; ) {
          const page = await list({ ...query, ...(next && { cursor: next }) });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          found.push(...page.items);
          next = page.next;
        }
        const expected = notes.filter(
          (note) =>
            (!from || note.at >= from) &&
            (!to || note.at < to) &&
            (!productId || !note.productId || note.productId === productId),
        );
        const shown = (note: { at: string; text: string; productId?: string | undefined }) =>
          `${note.at} ${note.productId} ${note.text}`;
        expect(found.map(shown).sort()).toEqual(expected.map(shown).sort());
        expect(found.map(({ at }) => at)).toEqual(found.map(({ at }) => at).sort());
        expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
      },
    ),
    { numRuns: 30 },
  );
}, 120_000);

test('the same Idempotency-Key notes once and is answered the same, also after the note is gone', async () => {
  const first = await ask('post', { body: SALE, key: 'k' });
  const again = await ask('post', { body: SALE, key: 'k' });
  expect(again.body).toEqual(first.body);
  expect(again.headers).toEqual({ ...first.headers, 'idempotent-replayed': 'true' });
  await ask('delete', { params: { id: first.body.id } });
  expect((await ask('post', { body: SALE, key: 'k' })).body).toEqual(first.body);
  expect((await list()).items).toEqual([]);
  await expect(ask('post', { body: { ...SALE, text: 'Other' }, key: 'k' })).rejects.toMatchObject({
    code: 'unprocessable',
  });
  expect((await ask('post', { body: SALE, key: 'k', subject: 'otto' })).body.id).not.toBe(first.body.id);
});

test('of many at once with one key, in as many processes, one notes', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask('post', { body: SALE, key: 'k' })));
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect((await list()).items).toHaveLength(1);
});

test('a key is kept for a day, then it is swept, and may be used again', async () => {
  const first = await ask('post', { body: SALE, key: 'k' });
  const sweep = createAnnotationKeySweep(store.pool);
  expect(await sweep.overdueS()).toBe(0);
  await database.admin.query("UPDATE annotation_keys SET at = now() - interval '25 hours'");
  expect(await sweep.overdueS()).toBeGreaterThan(3_000);
  expect((await ask('post', { body: SALE, key: 'k' })).body.id).not.toBe(first.body.id);
  await database.admin.query("UPDATE annotation_keys SET at = now() - interval '25 hours'");
  expect(await sweep.sweep(10)).toBe(1);
  expect(await sweep.sweep(10)).toBe(0);
});

test('there are ten thousand at most', async () => {
  await database.admin.query(
    `INSERT INTO annotations SELECT gen_random_uuid(), now(), 'x', NULL, 'berta', now() FROM generate_series(1, 10000)`,
  );
  const refused = { code: 'unprocessable', extras: { type: 'too-many-annotations' } };
  await expect(ask('post', { body: SALE, key: 'k' })).rejects.toMatchObject(refused);
  await database.admin.query('DELETE FROM annotations WHERE id = (SELECT id FROM annotations LIMIT 1)');
  expect((await ask('post', { body: SALE, key: 'k' })).status).toBe(201);
});

test('of many at once, no more are noted than there is room for', async () => {
  await database.admin.query(
    `INSERT INTO annotations SELECT gen_random_uuid(), now(), 'x', NULL, 'berta', now() FROM generate_series(1, 9998)`,
  );
  const asked = await Promise.allSettled(Array.from({ length: 16 }, () => ask('post', { body: SALE })));
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  const { rows } = await database.admin.query('SELECT count(*)::int AS n FROM annotations');
  expect(rows).toEqual([{ n: 10_000 }]);
});

test.each(['0000-01-01T00:00:00.000Z', '-002024-01-01T00:00:00.000Z'])(
  'refuses a cursor behind %s, which no answer gave',
  async (at) => {
    const list = JSON.stringify([null, null, null]);
    const cursor = Buffer.from(JSON.stringify([list, at, randomUUID()])).toString('base64url');
    await expect(ask('get', { query: { cursor } })).rejects.toMatchObject({ code: 'invalid' });
  },
);
