/** The products of a run. */
import { FEED_PRODUCTS } from './feeds.ts';
import type { OrderPlan } from './ordering.ts';

const PRODUCTS = 40;
const SINGLES = 60;

/** What shoppers buy, and business users ask about. */
export const SHOPPING: readonly string[] = Array.from({ length: PRODUCTS }, (_, n) => `p-${n}`);

/** Which orders reach the catalog beside the shoppers. */
export const ORDER_PLANS = {
  /** None, once the shoppers' products are there. */
  none: { products: SHOPPING, singles: [], imports: 0 },
  /** Imports, and single orders for products that stand at the end of each feed. */
  imports: { products: SHOPPING, singles: FEED_PRODUCTS.slice(-SINGLES), imports: 2 },
  /** New prices of what shoppers buy. */
  prices: { products: SHOPPING, singles: SHOPPING, imports: 0 },
} as const satisfies Readonly<Record<string, OrderPlan>>;
