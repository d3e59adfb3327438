/** Reads what the catalog comes to in the end, as any client could: its jobs, its products, its log. */

import { catalogEvent } from '@micromart/contracts/catalog-events';
import { openHttpClient } from '@micromart/demo/http-client';
import { until } from '@micromart/testing/until';
import { FEED_PRODUCTS } from '../load/feeds.ts';
import type { OrderHistory } from '../load/orders.ts';
import { parseTrace } from '../load/sending.ts';
import type { System } from '../system/system.ts';
import type { CatalogEvidence, Job, ProductState } from './evidence.ts';
import { openFeed, readLog } from './log.ts';

const TIMEOUT_MS = 40_000;
const ANSWER_CAP_MS = 60_000;
const PRODUCTS_AT_ONCE = 200;
const JOBS_AT_ONCE = 1_000;

type Page = { readonly items: readonly Job[]; readonly next: string | null };
type Products = { readonly items: readonly (ProductState & { readonly id: string })[] };

/** Nobody may be ordering any more. */
export async function collectCatalog(system: System, history: OrderHistory): Promise<CatalogEvidence> {
  const { addresses, issuer } = system;
  const catalogUrl = addresses.catalogs[0]!;
  const client = openHttpClient(catalogUrl, { connections: 1, timeoutMs: TIMEOUT_MS });
  const token = await issuer.token({ subject: 'faults', roles: ['catalog'] });
  const headers = { authorization: `Bearer ${token}` };
  const get = async <T>(path: string): Promise<T> => {
    const body = await until(
      async () => {
        const answer = await client.send({ method: 'GET', path, headers });
        return answer.status === 200 && answer.body;
      },
      { capMs: ANSWER_CAP_MS },
    );
    return JSON.parse(body) as T;
  };
  try {
    const jobs: Job[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page = await get(`/jobs?limit=${JOBS_AT_ONCE}${cursor && `&cursor=${cursor}`}`);
      jobs.push(...page.items);
      cursor = page.next;
    }
    const products = new Map<string, ProductState>();
    const ids = [...new Set([...FEED_PRODUCTS, ...jobs.flatMap(({ productId }) => productId ?? [])])];
    for (let at = 0; at < ids.length; at += PRODUCTS_AT_ONCE) {
      const page = await get<Products>(`/products?ids=${ids.slice(at, at + PRODUCTS_AT_ONCE).join(',')}`);
      for (const { id, version, name, withdrawn } of page.items)
        products.set(id, { version, name, withdrawn: withdrawn ?? false });
    }
    const { events } = await readLog(await openFeed(issuer, catalogUrl));
    const changes = events.map((event) => {
      const { data, traceparent } = catalogEvent.parse(event);
      return { productId: data.productId, version: data.version, trace: parseTrace(traceparent) };
    });
    return { history, jobs, products, changes };
  } finally {
    client.close();
  }
}
