import { hash } from 'node:crypto';
import { matchesStrongly, matchesWeakly, type TagCondition } from '@micromart/http/conditional/entity-tag';
import { type Preconditions, preconditionFailed } from '@micromart/http/conditional/preconditions';
import type { Answer } from '@micromart/http/route';
import type { Cart } from './cart.ts';
import { type PricedItems, priceItems } from './pricing.ts';
import type { ProductInfo } from './product-info.ts';

/** The value of a cart's entity tag: its version, and a digest of what the answer shows from the catalog. */
const tagOf = (version: number, { items, catalog }: PricedItems): string => {
  const shown = items.map(({ name, currentPrice, available }) => [name, currentPrice, available]);
  return `${version}.${hash('sha256', JSON.stringify([catalog, shown]), 'base64url').slice(0, DIGEST_LENGTH)}`;
};

const DIGEST_LENGTH = 16;

export function cartAnswer(
  status: number,
  id: string,
  { state, items }: Cart,
  version: number,
  productInfo: ProductInfo,
): Answer & { readonly tag: string } {
  const priced = priceItems(items, productInfo);
  const tag = tagOf(version, priced);
  return {
    status,
    headers: { etag: `"${tag}"`, 'cache-control': 'private, no-cache' },
    body: { id, version, state, ...priced },
    tag,
  };
}

const TAG = /^([1-9][0-9]{0,9})\.[0-9A-Za-z_-]{1,64}$/;

/**
 * Throws when a precondition does not hold. Preconditions compare the cart's version alone; `*` asks whether the
 * target, a line or the cart, exists (RFC 9110, 13.1.1 and 13.1.2).
 */
export function requirePreconditions(
  { ifMatch, ifNoneMatch }: Preconditions,
  version: number,
  exists = true,
): void {
  if (ifMatch && !matchesVersion(ifMatch, version, exists, matchesStrongly))
    throw preconditionFailed('If-Match');
  if (ifNoneMatch && matchesVersion(ifNoneMatch, version, exists, matchesWeakly))
    throw preconditionFailed('If-None-Match');
}

function matchesVersion(
  condition: TagCondition,
  version: number,
  exists: boolean,
  matches: typeof matchesStrongly,
): boolean {
  if (condition === '*') return exists;
  const versions = condition.map((tag) => ({ ...tag, value: TAG.exec(tag.value)?.[1] ?? '' }));
  return matches(versions, { weak: false, value: String(version) });
}
