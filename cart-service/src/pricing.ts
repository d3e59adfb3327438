import type { Money } from '@micromart/contracts/money';
import type { ProductCopy } from '@micromart/product-copies/compose';
import type { Line } from './cart.ts';
import type { ProductInfo } from './product-info.ts';

/** A line of the answer: what the cart stored, and what the catalog says today. */
export type PricedLine = {
  readonly productId: string;
  readonly quantity: number;
  readonly name: string | null;
  readonly unitPrice: Money | null;
  /** Null if the product is not on sale, or this is unknown. */
  readonly currentPrice: Money | null;
  /** Whether it is on sale; null if this is unknown. */
  readonly available: boolean | null;
  readonly addedAt: string;
};

export type PricedItems = {
  readonly items: readonly PricedLine[];
  readonly total: Money | null;
  /** `stale`: a product's copy is past its lifetime. `unavailable`: nothing is known about some product. */
  readonly catalog: 'fresh' | 'stale' | 'unavailable';
};

/** Prices a cart's lines by the catalog. Keeps every line, whatever the catalog says about its product. */
export function priceItems(lines: readonly Line[], productInfo: ProductInfo): PricedItems {
  const items = lines.map((line) => priceLine(line, productInfo.get(line.productId)));
  const states = lines.map(({ productId }) => productInfo.get(productId)?.state);
  const catalog = states.includes(undefined) ? 'unavailable' : states.includes('stale') ? 'stale' : 'fresh';
  return { items, total: totalOf(items), catalog };
}

function priceLine(
  { productId, quantity, name, unitPrice, addedAt }: Line,
  copy: ProductCopy | undefined,
): PricedLine {
  const product = copy && copy.state !== 'missing' ? copy.product : undefined;
  const available = product !== undefined && !product.withdrawn;
  return {
    productId,
    quantity,
    name: name ?? product?.name ?? null,
    unitPrice: unitPrice ?? null,
    currentPrice: available ? product.price : null,
    available: copy ? available : null,
    addedAt,
  };
}

/**
 * The total to pay today; lines that are not on sale do not count. Null if nothing is on sale, if the price of a line is
 * unknown, if prices are in several currencies, and if the sum exceeds what a number holds exactly (possible with
 * products written before prices were limited).
 */
function totalOf(items: readonly PricedLine[]): Money | null {
  if (items.some(({ available }) => available === null)) return null;
  const sold = items.flatMap(({ quantity, currentPrice }) =>
    currentPrice ? [{ quantity, ...currentPrice }] : [],
  );
  const [first] = sold;
  if (!first || sold.some(({ currency }) => currency !== first.currency)) return null;
  const amount = sold.reduce((sum, line) => sum + line.quantity * line.amount, 0);
  return Number.isSafeInteger(amount) ? { amount, currency: first.currency } : null;
}
