import { hash } from 'node:crypto';
import { matchesStrongly, parseTagCondition } from '@micromart/shared/http/conditional';
import { problem } from '@micromart/shared/http/problem';
import type { Answer } from '@micromart/shared/http/route';
import type { Cart } from './cart.ts';
import type { Offers } from './offers.ts';
import { type PricedItems, priceItems } from './pricing.ts';

/** The value of a cart's entity tag: its version, and a digest of what the answer shows of the catalog. */
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
  offers: Offers,
): Answer & { readonly tag: string } {
  const priced = priceItems(items, offers);
  const tag = tagOf(version, priced);
  return {
    status,
    headers: { etag: `"${tag}"`, 'cache-control': 'private, no-cache' },
    body: { id, version, state, ...priced },
    tag,
  };
}

const TAG = /^([1-9][0-9]{0,9})\.[0-9A-Za-z_-]{1,64}$/;

/** Holds a change to the `If-Match` of its request, which speaks of the cart's version only. */
export function requireVersion(ifMatch: string | undefined, version: number): void {
  if (ifMatch === undefined) return;
  const wanted = parseTagCondition(ifMatch);
  if (!wanted) {
    throw problem('invalid', 'If-Match must be `*` or entity tags in quotes, as ETag gave them.', {
      errors: [{ path: 'header.if-match', message: 'must be * or a list of entity tags' }],
    });
  }
  const versions =
    wanted === '*' ? wanted : wanted.map((tag) => ({ ...tag, value: TAG.exec(tag.value)?.[1] ?? '' }));
  if (!matchesStrongly(versions, { weak: false, value: String(version) }))
    throw problem('precondition-failed', 'The cart has changed meanwhile. Read it again.');
}
