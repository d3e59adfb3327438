import { setTimeout as sleep } from 'node:timers/promises';
import { COMPARED, type Counters, countersBy, type Tally } from './expected.ts';
import type { Answer, HttpClient } from './http-client.ts';
import { ask } from './retry.ts';
import type { Authorize } from './tokens.ts';
import { classifyRead } from './verdict.ts';

const SUBJECT = 'demo';
const PAGE_SIZE = 1_000;
const MAX_PAGES = 10_000;
const MAX_READINGS = 3;
const PAUSE_BETWEEN_READINGS_MS = 1_000;
/** The longest that a read model lets one request wait for events, in seconds. */
const WAIT_S = 30;
/** Long enough for a follower that restarts, or has much to catch up. */
const CATCH_UP_CAP_MS = 600_000;

/**
 * Reads the counters of every product, all of which include the events up to `consistentWith`, however long that takes;
 * `onWait` is told how far behind they are. The list is sorted by a counter. If a product appears twice, counters have
 * changed during the reading, and it starts again.
 */
export async function readCounters({
  tracking,
  authorize,
  consistentWith,
  onWait,
}: {
  readonly tracking: HttpClient;
  readonly authorize: Authorize;
  readonly consistentWith: string | undefined;
  readonly onWait: (why: string) => void;
}): Promise<Tally> {
  const token = consistentWith && { 'consistent-with': consistentWith, prefer: `wait=${WAIT_S}` };

  const readPage = async (cursor: string | null): Promise<Page> => {
    const headers = { authorization: await authorize(SUBJECT, 'business'), ...token };
    const after = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const path = `/products?sort=-added&limit=${PAGE_SIZE}${after}`;
    const answer = await ask({
      name: 'GET /products of shopper tracking',
      send: () => tracking.send({ method: 'GET', path, headers }),
      classify: classifyRead,
      capMs: CATCH_UP_CAP_MS,
      onRetry: onWait,
    });
    return parsePage(answer);
  };

  for (let reading = 1; reading <= MAX_READINGS; reading++) {
    const tally = await readAll(readPage);
    if (tally) return tally;
    await sleep(PAUSE_BETWEEN_READINGS_MS);
  }
  throw new Error(
    'the counters changed each time they were read: run the demo while no other client changes carts',
  );
}

type Page = { readonly items: readonly (Counters & { productId: string })[]; readonly next: string | null };

/** Undefined if a product appeared twice. */
async function readAll(readPage: (cursor: string | null) => Promise<Page>): Promise<Tally | undefined> {
  const tally: Tally = new Map();
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { items, next }: Page = await readPage(cursor);
    for (const item of items) {
      if (tally.has(item.productId)) return undefined;
      tally.set(
        item.productId,
        countersBy((name) => item[name] ?? 0),
      );
    }
    if (next === null) return tally;
    cursor = next;
  }
  throw new Error(`the products of shopper tracking do not end within ${MAX_PAGES} pages`);
}

function parsePage({ body }: Answer): Page {
  const page = JSON.parse(body) as Page;
  const isGood = page.items.every(
    (item) =>
      typeof item.productId === 'string' && COMPARED.every((name) => Number.isSafeInteger(item[name])),
  );
  if (!isGood) {
    throw new Error(`shopper tracking answered products without a productId and ${COMPARED.join(', ')}`);
  }
  return page;
}
