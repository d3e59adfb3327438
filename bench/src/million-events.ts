/** Puts many events through a started system, as shoppers would: a hundred products in one request. */
import { setTimeout as sleep } from 'node:timers/promises';
import { awaitProducts } from './demo-products.ts';
import { requireSame, WrongAnswer } from './protocol.ts';
import type { StartedSystem } from './started-system.ts';

const PRODUCTS_IN_ONE = 100;
const POSTS_A_CART = 10;
const WIDTH = 8;
const COUNTED_CAP_MS = 300_000;
const POLL_MS = 100;
/** Holds all of the demo's products. */
const PAGE = 1_000;

/** Adds `events` and waits until the counters include them. Throws WrongAnswer when they do not come to that. */
export async function putThrough(system: StartedSystem, events: number): Promise<void> {
  const [shopper, business] = await Promise.all([system.authorize('shopper'), system.authorize('business')]);
  const productIds = await awaitProducts(system);
  const posts = events / PRODUCTS_IN_ONE;
  let taken = 0;
  const ask = async (path: string, body?: unknown) => {
    const response = await fetch(`${system.urlOf('cart-service')}${path}`, {
      method: 'POST',
      headers: { authorization: shopper, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new WrongAnswer(`POST ${path} was answered ${response.status}`);
    return (await response.json()) as { id: string };
  };
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      while (taken < posts) {
        const cart = taken;
        const some = Math.min(POSTS_A_CART, posts - taken);
        taken += some;
        const { id } = await ask('/carts');
        for (let n = 0; n < some; n += 1)
          await ask(`/carts/${id}/items`, { items: itemsOf(productIds, cart / POSTS_A_CART) });
      }
    }),
  );
  const total = async () => {
    const url = `${system.urlOf('shopper-tracking-service')}/products?limit=${PAGE}`;
    const response = await fetch(url, { headers: { authorization: business } });
    const { items } = (await response.json()) as { items: { added: number }[] };
    return items.reduce((sum, { added }) => sum + added, 0);
  };
  for (let waitedMs = 0; waitedMs < COUNTED_CAP_MS && (await total()) < events; waitedMs += POLL_MS)
    await sleep(POLL_MS);
  requireSame('events counted', await total(), events);
}

const itemsOf = (productIds: readonly string[], cart: number) =>
  Array.from({ length: PRODUCTS_IN_ONE }, (_, n) => ({
    productId: productIds[(Math.floor(cart) * PRODUCTS_IN_ONE + n) % productIds.length]!,
    quantity: 1,
  }));
