/**
 * P3: how many durable changes of carts a second, 64 in flight, each with its state, its event and its idempotency
 * record. Ours is the change store of the cart service, called directly.
 */
import { createHash } from 'node:crypto';
import { type Cart, setQuantity } from '@micromart/cart-service/cart';
import { openPool } from '@micromart/postgres/pool';
import { stubProduct } from '@micromart/testing/stub-catalog';
import {
  CARTS,
  cartIdOf,
  fillCarts,
  LINES,
  openCartStore,
  PRICE,
  PRODUCT_IDS,
  requireChanged,
} from './cart-database.ts';
import { onFreshDatabase, type Server } from './database.ts';
import type { Figure } from './figure.ts';
import { keepInFlight } from './in-flight.ts';
import { appendByEmmett } from './peers/emmett-append.ts';
import { writeByMessageDb } from './peers/message-db.ts';
import { changeByPgbench } from './peers/pgbench-change.ts';
import { findPgbench, PGBENCH_MISSING } from './pgbench.ts';
import { compare, runRounds } from './protocol.ts';

const WIDTH = 64;
const CLIENTS = [8, 16, 32];
const SECONDS = 5;
const QUICK_SECONDS = 2;

/** What the catalog says of each product of the carts. */
const OFFERS = new Map(
  PRODUCT_IDS.map((id) => [
    id,
    { state: 'fresh' as const, product: stubProduct(id, { price: PRICE }), ageMs: 0, freshForMs: 1 },
  ]),
);

export const p3Change: Figure = async ({ server, rounds, quick, tell }) => {
  const seconds = quick ? QUICK_SECONDS : SECONDS;
  const pgbench = await findPgbench();
  const legs = [
    { name: 'ours', run: () => change(server, seconds) },
    { name: 'emmett append', run: () => appendByEmmett(server, { width: WIDTH, seconds }) },
    ...(pgbench
      ? [
          {
            name: 'message-db',
            run: () =>
              best(CLIENTS, tell, (clients) => writeByMessageDb(server, { pgbench, clients, seconds })),
          },
          {
            name: 'a statement a change',
            run: () =>
              best(CLIENTS, tell, (clients) => changeByPgbench(server, { pgbench, clients, seconds })),
          },
        ]
      : []),
  ];
  const [own, emmett, messageDb, statement] = await runRounds(legs, { rounds, warmUps: 1, tell });
  const row = {
    figure: 'P3',
    what: 'durable cart change (state, event, idempotency record), 64 in flight',
    unit: 'changes/s',
  };
  const against = (peer: number[] | undefined) => (peer ? compare(own!, peer) : { note: PGBENCH_MISSING });
  return [
    {
      ...row,
      against: 'one statement a change by pgbench, at its best of 8, 16 and 32 clients',
      bar: { atLeast: 1.2, moonshot: 3 },
      ...against(statement),
    },
    {
      ...row,
      against: 'emmett, an append to a stream (event alone)',
      bar: { atLeast: 4, moonshot: 10 },
      ...compare(own!, emmett!),
    },
    {
      ...row,
      against: 'message-db write_message by pgbench (event alone), at its best',
      bar: { atLeast: 2, moonshot: 5 },
      ...against(messageDb),
    },
  ];
};

async function best(
  clients: readonly number[],
  tell: (line: string) => void,
  leg: (clients: number) => Promise<number>,
): Promise<number> {
  const rates: number[] = [];
  for (const count of clients) rates.push(await leg(count));
  tell(`    with ${clients.map((count, n) => `${count} clients ${Math.round(rates[n]!)}`).join(', ')}`);
  return Math.max(...rates);
}

const change = (server: Server, seconds: number): Promise<number> =>
  onFreshDatabase(server, async (url) => {
    const store = await openCartStore(url);
    const pool = openPool(url, { max: 1, name: 'bench' });
    try {
      await fillCarts(pool);
      const { done, perSecond } = await keepInFlight({ width: WIDTH, seconds }, (lane, turn) => {
        const cartId = cartIdOf((lane + turn * WIDTH) % CARTS);
        const key = { scope: 'shopper', key: `${lane}-${turn}`, fingerprint: fingerprintOf(lane, turn) };
        return store.carts.change(
          cartId,
          (document, version) => {
            const line = document!.state.items[turn % LINES]!;
            const quantity = (line.quantity % 9) + 1;
            const { cart, events } = setQuantity(document!.state, line.productId, quantity, OFFERS, {
              cartId,
              version,
              now: new Date(),
            });
            return { answer: answerOf(cartId, cart, version), change: { state: cart, events } };
          },
          { key },
        );
      });
      await requireChanged(pool, done);
      return perSecond;
    } finally {
      await pool.end();
      await store.close();
    }
  });

const fingerprintOf = (lane: number, turn: number): string =>
  createHash('sha256').update(`${lane} ${turn}`).digest('base64url');

/** As large as what the cart service answers and stores. */
const answerOf = (id: string, { state, items }: Cart, version: number) => ({
  status: 200,
  headers: { etag: `"${version}.Dk2SYFJrSkqHmVnE"`, 'cache-control': 'private, no-cache' },
  body: {
    id,
    version,
    state,
    items: items.map((line) => ({ ...line, currentPrice: PRICE, available: true })),
    total: PRICE,
    catalog: 'fresh',
  },
});
