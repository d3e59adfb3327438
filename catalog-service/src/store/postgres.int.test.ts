import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { productContent } from '@micromart/contracts/catalog/product';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import pg from 'pg';
import { decideOrder } from '../product.ts';
import { openCatalogReader, openCatalogWriter } from './open-store.ts';
import { VERSIONS } from './postgres-reader.ts';
import { describeCatalogStore } from './store.contract.ts';
import type { CatalogReader, CatalogWriter } from './store.ts';

const fail = (error: unknown) => {
  throw error;
};

describeCatalogStore('PostgreSQL', async () => {
  const database = await openTestDatabase();
  const { role, url } = await database.openGuest();
  return {
    openWriter: () => openCatalogWriter(database.url, { apiRole: role, onError: fail }),
    openReader: () => openCatalogReader(url, fail),
    forgetSearchWords: async () => {
      await database.admin.query('UPDATE products SET search_words = NULL, searched_as = NULL');
    },
    close: database.close,
  };
});

describe('on PostgreSQL, the API', () => {
  let database: TestDatabase;
  let guest: { role: string; url: string };
  let reader: CatalogReader;
  let writer: CatalogWriter | undefined;

  beforeAll(async () => {
    database = await openTestDatabase();
    guest = await database.openGuest();
    reader = await openCatalogReader(guest.url, fail);
  });
  afterAll(async () => {
    await reader?.close();
    await writer?.close();
    await database?.close();
  });

  const notYet = expect.objectContaining({
    code: 'unavailable',
    message: expect.stringContaining('has not created the schema yet'),
  });

  async function expectNotYet() {
    await expect(reader.versions(['1'])).rejects.toEqual(notYet);
    await expect(reader.products(['1'])).rejects.toEqual(notYet);
    await expect(reader.browse({ limit: 1 })).rejects.toEqual(notYet);
    await expect(reader.log.heads()).rejects.toEqual(notYet);
    await expect(reader.log.page(0, 0, 1)).rejects.toEqual(notYet);
    await expect(reader.log.eventsAfter(new Map(), 1)).rejects.toEqual(notYet);
    expect(() => reader.log.name).toThrow(notYet);
    expect(() => reader.log.partitions).toThrow(notYet);
    expect(await reader.check()).toEqual({
      ok: false,
      detail: expect.stringContaining('has not created the schema yet'),
    });
  }

  test('waits for the schema, then for its grants, and continues by itself', async () => {
    await expectNotYet();
    const ungranted = await openCatalogWriter(database.url, { onError: fail });
    await ungranted.close();
    await expectNotYet();
    writer = await openCatalogWriter(database.url, { apiRole: guest.role, onError: fail });
    expect(await reader.versions(['1'])).toEqual([]);
    expect(reader.log.name).toBe(writer.log.name);
    expect(await reader.check()).toEqual({ ok: true });
  });

  test('keeps answering while several workers grant its rights again', async () => {
    const workers = await Promise.all(
      [1, 2, 3, 4].map(() => openCatalogWriter(database.url, { apiRole: guest.role, onError: fail })),
    );
    await Promise.all([reader.versions(['1']), ...workers.map((one) => one.close())]);
  });

  test('cannot write, create or drop anything', async () => {
    const { rows } = await database.admin.query<{ table: string; column: string }>(
      `SELECT table_name AS "table", min(column_name) AS "column" FROM information_schema.columns
       WHERE table_schema = 'public' GROUP BY table_name`,
    );
    expect(rows.map(({ table }) => table)).toEqual(
      expect.arrayContaining(['products', 'event_log', 'event_log_heads', 'event_log_events']),
    );
    const statements = rows.flatMap(({ table, column }) => [
      `INSERT INTO ${table} DEFAULT VALUES`,
      `UPDATE ${table} SET "${column}" = DEFAULT`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table}`,
      `ALTER TABLE ${table} DISABLE TRIGGER ALL`,
      `DROP TABLE ${table}`,
      `SELECT 1 FROM ${table} FOR UPDATE`,
      `COPY ${table} FROM STDIN`,
    ]);
    const client = new pg.Client({ connectionString: guest.url });
    await client.connect();
    const outcomes: string[] = [];
    for (const statement of [...statements, 'CREATE TABLE mine (id int)', `CREATE SCHEMA mine`]) {
      const code = await client.query(statement).then(
        () => 'it did',
        (error) => error.code,
      );
      if (code !== '42501') outcomes.push(`${statement}: ${code}`);
    }
    await client.end();
    expect(outcomes).toEqual([]);
  });

  test('reads nothing but products and their log', async () => {
    const { rows } = await database.admin.query<{ table: string }>(
      `SELECT relname AS "table" FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
         AND has_table_privilege($1, oid, 'SELECT') ORDER BY 1`,
      [guest.role],
    );
    expect(rows.map(({ table }) => table)).toEqual([
      'event_log',
      'event_log_events',
      'event_log_heads',
      'products',
    ]);
  });

  test('reads versions from an index alone', async () => {
    const changes = Array.from({ length: 2_000 }, (_, n) => {
      const content = productContent.parse({ name: `Product ${n}`, price: { amount: n, currency: 'USD' } });
      const order = { kind: 'put' as const, content };
      return writer!.products.change(
        `p${n}`,
        decideOrder(writer!.log.name, `p${n}`, order, { job: 1, row: n + 1 }, new Date()),
      );
    });
    await Promise.all(changes);
    await database.admin.query('VACUUM ANALYZE products');
    const ids = Array.from({ length: 200 }, (_, n) => `p${n * 10}`);
    const { rows } = await database.admin.query<{ 'QUERY PLAN': [{ Plan: Record<string, unknown> }] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${VERSIONS.text}`,
      [ids],
    );
    expect(rows[0]!['QUERY PLAN'][0].Plan).toMatchObject({
      'Node Type': 'Index Only Scan',
      'Index Name': 'products_pkey',
      'Actual Rows': ids.length,
      'Heap Fetches': 0,
    });
  });

  test('with a missing role gets a plain error', async () => {
    await expect(
      openCatalogWriter(database.url, { apiRole: 'nobody_at_all', onError: fail }),
    ).rejects.toThrow('API_ROLE');
  });
});
