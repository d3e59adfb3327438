import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { productContent } from '@micromart/contracts/catalog/product';
import { openMongodb } from '@micromart/mongodb/open';
import { describeOn } from '@micromart/testing/describe-on';
import { MONGODB_START_CAP_MS, testFerretdb, testReplicaSet } from '@micromart/testing/mongodb';
import type { TestMongodb } from '@micromart/testing/mongodb-engine';
import { decideOrder, type Result } from '../product.ts';
import { PRODUCTS, type ProductDocument } from './mongodb-products.ts';
import { VERSION } from './mongodb-reader.ts';
import { isUnavailable, openCatalogReader, openCatalogWriter } from './open-store.ts';
import { describeCatalogStore } from './store.contract.ts';
import type { CatalogWriter } from './store.ts';

const IMPORTED = 1_000;
const CHUNK = 125;
const MAX_TRIES = 20;
const KILL_CAP_MS = 300_000;

const fail = (error: unknown) => {
  throw error;
};

const order = ({ log, products }: CatalogWriter, id: string, row = 1) => {
  const content = productContent.parse({ name: `Product ${id}`, price: { amount: 399, currency: 'USD' } });
  const origin = { job: 1, row };
  return products.change<Result>(id, decideOrder(log.name, id, { kind: 'put', content }, origin, new Date()));
};

for (const engine of [testFerretdb, testReplicaSet]) {
  describeOn(engine, 'the MongoDB store', () => {
    let server: TestMongodb;

    beforeAll(async () => {
      server = await engine.start();
    }, MONGODB_START_CAP_MS);
    afterAll(() => server?.close());

    describeCatalogStore(engine.name, async () => {
      const url = server.freshUrl();
      return {
        openWriter: () => openCatalogWriter(url, { onError: fail }),
        openReader: () => openCatalogReader(url, fail),
        async forgetSearchWords() {
          const mongodb = openMongodb(url, { max: 1, name: 'test' });
          const products = mongodb.db.collection<ProductDocument>(PRODUCTS);
          await products.updateMany({}, { $unset: { 'keys.search': '' } });
          await mongodb.close();
        },
        close: async () => {},
      };
    });

    test('makes a reader wait that starts before the worker, and is read once it exists', async () => {
      const url = server.freshUrl();
      const reader = await openCatalogReader(url, fail);
      const notYet = expect.objectContaining({
        code: 'unavailable',
        message: expect.stringContaining('has not created the schema yet'),
      });
      await expect(reader.versions(['1'])).rejects.toEqual(notYet);
      await expect(reader.products(['1'])).rejects.toEqual(notYet);
      await expect(reader.browse({ limit: 1 })).rejects.toEqual(notYet);
      await expect(reader.log.heads()).rejects.toEqual(notYet);
      expect(() => reader.log.name).toThrow(notYet);
      expect(await reader.check()).toEqual({
        ok: false,
        detail: expect.stringContaining('has not created the schema yet'),
      });

      const writer = await openCatalogWriter(url, { onError: fail });
      await order(writer, '1');
      expect(await reader.versions(['1'])).toMatchObject([{ id: '1', version: 1 }]);
      expect(reader.log.name).toBe(writer.log.name);
      expect(await reader.check()).toEqual({ ok: true });
      await Promise.all([reader.close(), writer.close()]);
    });

    const testIndexes = engine.atomicUpdates ? test : test.skip;
    testIndexes('answers for versions from an index, and reads no product', async () => {
      const url = server.freshUrl();
      const writer = await openCatalogWriter(url, { onError: fail });
      await Promise.all(['1', '2', '3'].map((id) => order(writer, id)));
      const mongodb = openMongodb(url, { max: 1, name: 'test' });
      const products = mongodb.db.collection<ProductDocument>(PRODUCTS);
      const { executionStats } = await products
        .find({ _id: { $in: ['1', '3', 'nowhere'] } }, VERSION)
        .explain('executionStats');
      expect(executionStats).toMatchObject({ nReturned: 2, totalDocsExamined: 0 });
      await Promise.all([mongodb.close(), writer.close()]);
    });

    test(
      'loses nothing and repeats nothing while its server is killed in the middle of an import',
      async () => {
        const writer = await openCatalogWriter(server.freshUrl(), { onError: () => {} });
        const ids = Array.from({ length: IMPORTED }, (_, n) => `p${n}`);
        const importChunk = async (from: number): Promise<void> => {
          const chunk = ids.slice(from, from + CHUNK);
          for (let tried = 1; ; tried += 1) {
            const orders = chunk.map((id, n) => order(writer, id, from + n + 1));
            const failed = (await Promise.allSettled(orders)).find(({ status }) => status === 'rejected');
            if (!failed) return;
            const { reason } = failed as PromiseRejectedResult;
            if (!isUnavailable(reason) || tried === MAX_TRIES) throw reason;
          }
        };
        await importChunk(0);
        const killed = server.killServer?.();
        for (let from = CHUNK; from < IMPORTED; from += CHUNK) await importChunk(from);
        await killed;

        const events = [];
        for (const [partition, last] of (await writer.log.heads()).last) {
          const page = await writer.log.page(partition, 0, last);
          expect(page.map(({ sequence }) => Number(sequence))).toEqual(
            Array.from({ length: last }, (_, n) => n + 1),
          );
          events.push(...page.map(({ subject }) => subject));
        }
        expect(events.sort()).toEqual([...ids].sort());
        const stored = await Promise.all(ids.map((id) => writer.products.read(id)));
        expect(stored.map((document) => document?.version)).toEqual(ids.map(() => 1));
        await writer.close();
      },
      KILL_CAP_MS,
    );
  });
}
