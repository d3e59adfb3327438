/** Where shoppers and business users find the services: at each process of its own, or at one address for several. */
import { createDraw } from '@micromart/demo/draws';
import { type Balancers, openBalancer } from './balancer.ts';
import { HOST, type Side } from './side.ts';

/** Of each kind those that are to be asked in turn. */
export type Addresses = {
  readonly carts: readonly string[];
  /** The same through the proxies. */
  readonly shops: readonly string[];
  readonly catalogs: readonly string[];
  readonly trackings: readonly string[];
  /** One tracking for each read model there is. */
  readonly readModels: readonly string[];
};

export async function openBalancers(seed: string): Promise<Balancers & { close(): Promise<void> }> {
  const open = (kind: string) => openBalancer(HOST, createDraw(`${seed} ${kind}`));
  const balancers = {
    carts: await open('carts'),
    catalogs: await open('catalogs'),
    trackings: await open('trackings'),
  };
  return {
    ...balancers,
    async close() {
      await Promise.all(Object.values(balancers).map((balancer) => balancer.close()));
    },
  };
}

/** Has the side's own processes take part in what is asked at the one address. */
export function balance({ carts, catalogs, trackings }: Balancers, side: Side): void {
  if (side.has('cart-service')) carts.add(side.cartUrl);
  if (side.has('catalog-service')) catalogs.add(side.catalogUrl);
  if (side.has('shopper-tracking-service')) trackings.add(side.trackingUrl);
}

export const directAddresses = (sides: readonly Side[]): Addresses => ({
  carts: sides.map(({ cartUrl }) => cartUrl),
  shops: sides.map(({ shopUrl }) => shopUrl),
  catalogs: sides.map(({ catalogUrl }) => catalogUrl),
  trackings: sides.map(({ trackingUrl }) => trackingUrl),
  readModels: sides.slice(0, 1).map(({ trackingUrl }) => trackingUrl),
});

/** `other` has a read model of its own. */
export function balancedAddresses({ carts, catalogs, trackings }: Balancers, other: Side): Addresses {
  const readModels = [trackings.url, other.trackingUrl];
  return {
    carts: [carts.url],
    shops: [other.shopUrl],
    catalogs: [catalogs.url],
    trackings: readModels,
    readModels,
  };
}
