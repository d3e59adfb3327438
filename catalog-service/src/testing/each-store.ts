/** For tests of the catalog's work on each engine that its products may be in. */
import { afterAll, describe } from '@jest/globals';
import { describeOn } from '@micromart/testing/describe-on';
import { testFerretdb } from '@micromart/testing/mongodb';
import type { TestMongodb } from '@micromart/testing/mongodb-engine';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { openCatalogWriter } from '../store/open-store.ts';
import type { CatalogWriter } from '../store/store.ts';

const onError = (error: unknown) => {
  throw error;
};

/** Calls back for each engine, with its name and what opens a store of its own there. */
export function describeOnEachStore(
  describeOne: (engine: string, open: () => Promise<CatalogWriter>) => void,
) {
  describe('with products on PostgreSQL', () => {
    let products: TestDatabase;
    afterAll(() => products?.close());
    describeOne('PostgreSQL', async () => {
      products = await openTestDatabase();
      return openCatalogWriter(products.url, { onError });
    });
  });

  describeOn(testFerretdb, 'with products', () => {
    let server: TestMongodb;
    afterAll(() => server?.close());
    describeOne(testFerretdb.name, async () => {
      server = await testFerretdb.start();
      return openCatalogWriter(server.freshUrl(), { onError });
    });
  });
}
