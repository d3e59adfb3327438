import { expect, test } from '@jest/globals';
import { cartEventExamples } from '@micromart/contracts/cart-events';
import { inTransaction } from '@micromart/postgres/pool';
import { executeAll } from '@micromart/postgres/statement';
import { openTestDatabase } from '@micromart/testing/postgres';
import { COUNTER_NAMES, COUNTERS, namesOf } from '../counters.ts';
import { createTally, NOTHING } from '../counts.ts';
import type { List, Sort } from '../list.ts';
import { openStore } from './open-store.ts';
import { createLists } from './postgres-list.ts';
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
    const expected = { ...NOTHING, added: 3, unitsAdded: 36, bulkAdded: 2 };
    const { total, within } = createQueries(names);
    const { list } = createLists(names);
    const window = { to: now.getTime(), minutesFrom: 0 };
    const page: List = { sort: 'bulkAdded' as Sort, descending: true, minAdded: 0, limit: 10 };

    await inTransaction(store.pool, async (client) => {
      await executeAll(client, createAddTally(names)(createTally(MORE)(events, now)));
      expect(await total(client, productId)).toEqual(expected);
      expect(await within(client, productId, window)).toEqual(expected);
      for (const asked of [page, { ...page, window }]) {
        expect(await list(client, asked)).toEqual([
          { productId, ...expected, removalRatio: 0, conversion: null },
        ]);
      }
    });
  } finally {
    await store.close();
    await database.close();
  }
});

test('with the counters that it is made of comes the conversion, by which lists are sorted, those without any last', async () => {
  const database = await openTestDatabase();
  const store = await openStore(database.url, () => {});
  try {
    const names = [...new Set([...COUNTER_NAMES, 'bought', 'abandoned'])];
    for (const table of TABLES)
      for (const name of ['bought', 'abandoned'])
        await store.pool.query(
          `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${name} bigint NOT NULL DEFAULT 0`,
        );
    await store.pool.query(
      `INSERT INTO counts_total (product_id, added, removed, units_added, units_removed, bought, abandoned)
       VALUES ('a', 9, 0, 9, 0, 1, 3), ('b', 9, 0, 9, 0, 3, 1), ('c', 9, 0, 9, 0, 0, 0), ('d', 9, 0, 9, 0, 3, 1),
         ('e', 9, 0, 9, 0, 0, 0)`,
    );
    const { list, past } = createLists(names);
    const conversionOf = (product: unknown) => (product as { conversion: number | null }).conversion;
    const all = async (descending: boolean, limit: number) => {
      const found: string[] = [];
      let after: List['after'];
      for (;;) {
        const asked = { sort: 'conversion' as Sort, descending, minAdded: 0, after, limit };
        const page = await inTransaction(store.pool, (client) => list(client, asked));
        found.push(...page.map(({ productId }) => productId));
        const last = page.at(-1);
        if (page.length < limit) return found.join('');
        after = { value: conversionOf(last), productId: last!.productId };
      }
    };
    for (const limit of [1, 2, 3, 10]) {
      expect(await all(true, limit)).toBe('bdace');
      expect(await all(false, limit)).toBe('abdce');
    }
    const ordering = { sort: 'conversion' as Sort, descending: true, minAdded: 0 };
    const stood = await inTransaction(store.pool, (client) => past(client, ordering, ['c', 'd', 'x']));
    expect([...stood].map(([id, { rank }]) => [id, rank]).sort()).toEqual([
      ['c', 4],
      ['d', 2],
    ]);
    expect([...stood.values()].map(conversionOf).sort()).toEqual([0.75, null]);
  } finally {
    await store.close();
    await database.close();
  }
});
