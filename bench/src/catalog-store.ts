/** A catalog as `npm start` has it: its databases, its processes' settings, and products where they are wanted. */

import { openCatalogWriter } from '@micromart/catalog-service/open-store';
import { decideOrder } from '@micromart/catalog-service/product';
import { productContent } from '@micromart/contracts/catalog/product';
import { openTestIssuer } from '@micromart/testing/http';
import type { Server } from './database.ts';
import { startProcess } from './service-process.ts';

export const WORKER = 'catalog-service/src/worker-main.ts';

/** A catalog's databases, empty, and who may ask it. */
export type CatalogDatabases = {
  /** What the catalog's processes are started with. */
  readonly settings: Readonly<Record<string, string>> & { readonly STORE_URL: string };
  /** The value of an Authorization header. */
  authorize(role: 'service' | 'catalog'): Promise<string>;
  close(): Promise<void>;
};

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

export async function openCatalogDatabases(server: Server): Promise<CatalogDatabases> {
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
    return {
      settings: {
        AUTH_JWKS: issuer.jwks,
        AUTH_ISSUER: issuer.issuer,
        AUTH_AUDIENCE: issuer.audience,
        STORE_URL: store.url,
        QUEUE_URL: queue.url,
      },
      authorize: async (role) =>
        `Bearer ${await issuer.token({ subject: 'bench', roles: [role], expiresIn: '4h' })}`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A catalog that holds products; its worker has made the schemas, and has ended. */
export async function openBenchCatalog(server: Server, products: number): Promise<BenchCatalog> {
  const databases = await openCatalogDatabases(server);
  const { settings } = databases;
  try {
    const worker = await startProcess(WORKER, settings);
    await worker.stop();

    const writer = await openCatalogWriter(settings.STORE_URL, { onError: fail });
    const close = async () => {
      await writer.close();
      await databases.close();
    };
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
      reader: await databases.authorize('service'),
      productIds,
      change: async (id) => void (await put(id)),
      close,
    };
  } catch (error) {
    await databases.close();
    throw error;
  }
}
