import { createPostgresChangeStore } from '@micromart/event-log-postgres/changes';
import { openPostgresLog } from '@micromart/event-log-postgres/log';
import { startSweep } from '@micromart/event-log-postgres/sweep';
import { WRITER_SETTINGS } from '@micromart/event-log-postgres/writer-settings';
import { checkAnswers, openPool } from '@micromart/postgres/pool';
import type { Product } from '../product.ts';
import { wordsOf } from '../search.ts';
import { prepareSchema } from './postgres-schema.ts';
import { SEARCH_VERSION } from './search-version.ts';
import type { CatalogWriter, WriterSettings } from './store.ts';

const MAX_CONNECTIONS = 4;

const COLUMNS = {
  search_words: (product: Product, id: string) => wordsOf(id, product).join(' '),
  searched_as: ({ version }: Product) => `${SEARCH_VERSION}@${version}`,
};

export async function openPostgresWriter(
  url: string,
  { apiRole, onError }: WriterSettings,
): Promise<CatalogWriter> {
  await prepareSchema(url, apiRole);
  const pool = openPool(url, {
    max: MAX_CONNECTIONS,
    name: 'catalog-worker',
    settings: WRITER_SETTINGS,
    onIdleError: onError,
  });
  const log = await openPostgresLog(pool, { family: 'catalog', source: '/catalog' });
  const products = createPostgresChangeStore<Product>(pool, { table: 'products', log, columns: COLUMNS });
  const sweeping = startSweep(pool, onError);

  return {
    log,
    capabilities: { atomicCompareAndSet: true },
    products,
    sweeps: sweeping.sweeps,

    async due(before, limit) {
      const { rows } = await pool.query<{ id: string }>({
        name: 'due',
        text: 'SELECT id FROM products WHERE scheduled <= $1 ORDER BY scheduled LIMIT $2',
        values: [before.toISOString(), limit],
      });
      return rows.map(({ id }) => id);
    },

    async outdatedSearch(limit) {
      const { rows } = await pool.query<{ id: string }>({
        name: 'outdated_search',
        text: 'SELECT id FROM products WHERE search_version(searched_as, product_version) < $1 LIMIT $2',
        values: [SEARCH_VERSION, limit],
      });
      return rows.map(({ id }) => id);
    },

    check: () => checkAnswers(pool),
    checkWrites: () => products.check(),

    async close() {
      await Promise.all([sweeping.close(), products.idle()]);
      await pool.end();
    },
  };
}
