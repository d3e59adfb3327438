/** The supplier's feeds: any number of them, each with all products, which it names after itself. */

const ROWS = 2_500;
const PRICE = { amount: 100, currency: 'USD' };

/** The products of every feed, in the order of its rows. Those that single orders are for too come last. */
export const FEED_PRODUCTS: readonly string[] = Array.from({ length: ROWS }, (_, n) => `c-${ROWS - 1 - n}`);

/** The name that a feed gives to its products. */
export const feedName = (feed: number): string => `of feed ${feed}`;

export const feedPath = (feed: number): string => `/feeds/${feed}`;

/** Which feed an address is that of. */
export function feedOf(url: string): number | undefined {
  const [, number] = /\/feeds\/([0-9]+)$/.exec(url) ?? [];
  return number === undefined ? undefined : Number(number);
}

/** A product a line (NDJSON). */
export const feedText = (feed: number): string =>
  FEED_PRODUCTS.map((id) => `${JSON.stringify({ id, name: feedName(feed), price: PRICE })}\n`).join('');
