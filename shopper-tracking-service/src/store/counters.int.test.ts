import { expect, test } from '@jest/globals';
import { cartEventExamples } from '@micromart/contracts/cart-events';
import { inTransaction } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { openTestDatabase } from '@micromart/testing/postgres';
import { COUNTERS, namesOf } from '../counters.ts';
import { createTally } from '../counts.ts';
import type { List, Sort } from '../list.ts';
import { openStore } from './open-store.ts';
import { createQueries } from './postgres-queries.ts';
import { createAddTally } from './postgres-tally.ts';

const MORE = {
  ...COUNTERS,
  bulkAdded: {
    description: 'Events that put ten or more into a cart',
    increment: ({ type, data }) => (type === 'cart.item-added' && data.quantity >= 10 ? 1 : 0),
  },
} as const satisfies Parameters<typeof createTally>[0];

const TABLES = ['counts_total', 'counts_by_minute', 'counts_by_quarter', 'counts_by_hour', 'counts_by_day'];

test('one more counter takes an entry of the declaration and a column, and nothing else', async () => {
  const database = await openTestDatabase();
  const store = await openStore(database.url, () => {});
  try {
    for (const table of TABLES) {
      await store.pool.query(`ALTER TABLE ${table} ADD COLUMN bulk_added bigint NOT NULL DEFAULT 0`);
    }
    const names = namesOf(MORE);
    const added = cartEventExamples['cart.item-added'];
    const events = [1, 10, 25].map((quantity) => ({ ...added, data: { ...added.data, quantity } }));
    const now = new Date(Date.parse(added.time) + 60_000);
    const { productId } = added.data;
    const expected = { added: 3, removed: 0, unitsAdded: 36, unitsRemoved: 0, bulkAdded: 2 };
    const { total, within, list } = createQueries(names);
    const window = { to: now.getTime(), minutesFrom: 0 };
    const page: List = { sort: 'bulkAdded' as Sort, descending: true, minAdded: 0, limit: 10 };

    await inTransaction(store.pool, async (client) => {
      await executeAll(client, createAddTally(names)(createTally(MORE)(events, now)));
      expect(await total(client, productId)).toEqual(expected);
      expect(await within(client, productId, window)).toEqual(expected);
      for (const asked of [page, { ...page, window }]) {
        expect(await list(client, asked)).toEqual([{ productId, ...expected, removalRatio: 0 }]);
      }
    });
  } finally {
    await store.close();
    await database.close();
  }
});
