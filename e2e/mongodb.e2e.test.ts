/** The catalog on MongoDB as users try it: `npm start -- --catalog-store mongodb`, with a server that is built here. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeOn } from '@micromart/testing/describe-on';
import { MONGODB_START_CAP_MS, testFerretdb } from '@micromart/testing/mongodb';
import { until } from '@micromart/testing/until';
import { type Launched, openLaunched } from './testing/launched.ts';

const CATALOG = 2;
const PRODUCT = '/products/1082185';

describeOn(testFerretdb, 'a system with its catalog', () => {
  let system: Launched;

  beforeAll(async () => {
    system = await openLaunched();
  });

  afterAll(() => system.close());

  const readProduct = async (): Promise<string> => {
    const ask = await system.client(CATALOG, 'shopper');
    const { headers } = await until(async () => {
      const reply = await ask('GET', PRODUCT);
      return reply.status === 200 && reply;
    });
    return headers.get('etag')!;
  };

  test(
    'fills itself, keeps its data, and is separate from the catalog on PostgreSQL',
    async () => {
      await system.start('--catalog-store', 'mongodb');
      const etag = await readProduct();
      await system.stop();

      await system.start('--catalog-store', 'postgres');
      expect(await readProduct()).not.toBe(etag);
      await system.stop();

      await system.start('--catalog-store', 'mongodb');
      expect(await readProduct()).toBe(etag);
    },
    MONGODB_START_CAP_MS,
  );
});
