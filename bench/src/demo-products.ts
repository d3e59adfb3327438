import { setTimeout as sleep } from 'node:timers/promises';
import type { StartedSystem } from './started-system.ts';

/** As many as the demo's catalog has; the API gives them on one page. */
const PRODUCTS = 1_000;
const FILLED_CAP_MS = 60_000;
const POLL_MS = 100;

/** The ids of the demo's products, once the first start's import has brought them all. */
export async function awaitProducts(system: StartedSystem): Promise<string[]> {
  const headers = { authorization: await system.authorize('business') };
  const url = `${system.urlOf('catalog-service')}/products?limit=${PRODUCTS}`;
  for (let waitedMs = 0; waitedMs < FILLED_CAP_MS; waitedMs += POLL_MS) {
    const { items } = (await (await fetch(url, { headers })).json()) as { items: { id: string }[] };
    if (items.length === PRODUCTS) return items.map(({ id }) => id);
    await sleep(POLL_MS);
  }
  throw new Error(`the catalog had no ${PRODUCTS} products after ${FILLED_CAP_MS} ms`);
}
