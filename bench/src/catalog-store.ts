/** A catalog as `npm start` has it, filled with products: its databases, and a worker that has made their schemas. */

import { decideOrder } from '@micromart/catalog-service/product';
import { openCatalogWriter } from '@micromart/catalog-service/store';
import { productContent } from '@micromart/shared/contracts/catalog/product';
import { openTestIssuer } from '@micromart/shared/testing/http';
import type { Server } from './database.ts';
import { startProcess } from './service-process.ts';

export type BenchCatalog = {
  /** What the catalog's API is started with. */
  readonly settings: Readonly<Record<string, string>>;
  readonly reader: string;
  readonly productIds: readonly string[];
  /** Gives a product a price that it has not had. */
  change(productId: string): Promise<void>;
  close(): Promise<void>;
};

const fail = (error: unknown) => {
  throw error;
};

export async function openBenchCatalog(server: Server, products: number): Promise<BenchCatalog> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const issuer = await openTestIssuer();
    closers.push(issuer.close);
    const store = await server.createDatabase();
    closers.push(store.drop);
    const queue = await server.createDatabase();
    closers.push(queue.drop);
    const settings = {
      AUTH_JWKS: issuer.jwks,
      AUTH_ISSUER: issuer.issuer,
      AUTH_AUDIENCE: issuer.audience,
      STORE_URL: store.url,
      QUEUE_URL: queue.url,
    };
    const worker = await startProcess('catalog-service/src/worker-main.ts', settings);
    await worker.stop();

    const writer = await openCatalogWriter(store.url, { onError: fail });
    closers.push(writer.close);
    let orders = 0;
    const put = (id: string) => {
      orders += 1;
      const content = productContent.parse({
        name: `Product ${id}`,
        category: 'BREAD',
        department: 'GROCERY',
        brand: 'National',
        size: '22 LB',
        price: { amount: orders, currency: 'USD' },
      });
      const order = { kind: 'put', content } as const;
      const origin = { job: orders, row: 1 };
      return writer.products.change(id, decideOrder(writer.log.name, id, order, origin, new Date()));
    };
    const productIds = Array.from({ length: products }, (_, n) => String(1_000_000 + n));
    await Promise.all(productIds.map(put));
    return {
      settings,
      reader: `Bearer ${await issuer.token({ subject: 'bench', roles: ['service'], expiresIn: '4h' })}`,
      productIds,
      change: async (id) => void (await put(id)),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
