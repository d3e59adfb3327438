import type { Money } from '@micromart/contracts/money';
import type { NewEvent } from '@micromart/events/envelope';
import { problem } from '@micromart/http/problem';
import { type ProductInfo, type ProductOnSale, requireOnSale } from './product-info.ts';

export const MAX_QUANTITY = 999;
export const MAX_LINES = 500;

export type Line = {
  readonly productId: string;
  readonly quantity: number;
  /** When the product was first added, RFC 3339. */
  readonly addedAt: string;
  /** Its name, and the price of one, when it was first added; absent in lines older than these fields. */
  readonly name?: string;
  readonly unitPrice?: Money;
};

export type Cart = {
  /** Whose cart it is; null once the shopper is forgotten. */
  readonly owner: string | null;
  /** The shopper's pseudonym in events. */
  readonly shopper: string;
  readonly state: 'open' | 'closed';
  /**
   * When the first product was ever added, RFC 3339; it stays when that line is removed. A cart of an older version has none
   * until its next change.
   */
  readonly startedAt?: string;
  readonly items: readonly Line[];
};

export type CloseReason = 'bought' | 'abandoned';

/** The result of a change. No events means that nothing changes. */
export type CartChange = { readonly cart: Cart; readonly events: readonly NewEvent[] };

/** What a rule needs besides the cart: its id, the version that the change gives it, and the time. */
export type ChangeContext = { readonly cartId: string; readonly version: number; readonly now: Date };

export const openCart = (owner: string, shopper: string): Cart => ({
  owner,
  shopper,
  state: 'open',
  items: [],
});

/** Adds to the cart, all or nothing. Throws a problem if a product is not on sale, or a limit is exceeded. */
export function addItems(
  cart: Cart,
  wanted: readonly { productId: string; quantity: number }[],
  productInfo: ProductInfo,
  context: ChangeContext,
): CartChange {
  requireOpen(cart);
  const lines = new Map(cart.items.map((line) => [line.productId, line]));
  const events = wanted.map(({ productId, quantity }) => {
    const product = requireOnSale(productId, productInfo);
    const line = lines.get(productId) ?? newLine(productId, product, context);
    lines.set(productId, { ...line, quantity: line.quantity + quantity });
    return added(cart, productId, quantity, product.price, context);
  });
  const items = [...lines.values()];
  const tooLarge = items.find((line) => line.quantity > MAX_QUANTITY);
  if (tooLarge) {
    throw problem(
      'unprocessable',
      `The line of product ${tooLarge.productId} would have ${tooLarge.quantity} units; a line has at most ${MAX_QUANTITY}.`,
    );
  }
  requireRoom(items);
  return { cart: withItems(cart, items, context), events };
}

/**
 * Sets a line to a quantity; 0 removes it. An increase is an added event, and its product must be on sale; a decrease
 * is a removed event.
 */
export function setQuantity(
  cart: Cart,
  productId: string,
  quantity: number,
  productInfo: ProductInfo,
  context: ChangeContext,
): CartChange {
  requireOpen(cart);
  const line = cart.items.find((one) => one.productId === productId);
  const difference = quantity - (line?.quantity ?? 0);
  if (difference === 0) return { cart, events: [] };
  if (difference > 0) {
    const product = requireOnSale(productId, productInfo);
    const items = line
      ? cart.items.map((one) => (one === line ? { ...line, quantity } : one))
      : [...cart.items, { ...newLine(productId, product, context), quantity }];
    requireRoom(items);
    return {
      cart: withItems(cart, items, context),
      events: [added(cart, productId, difference, product.price, context)],
    };
  }
  return takeOut(cart, line!, -difference, context);
}

/** Takes `quantity` out of a line, or the whole line if `quantity` is undefined or at least the line's. */
export function removeItem(
  cart: Cart,
  productId: string,
  quantity: number | undefined,
  context: ChangeContext,
): CartChange {
  requireOpen(cart);
  const line = cart.items.find((one) => one.productId === productId);
  if (!line) throw problem('not-found', `Product ${productId} is not in this cart.`);
  return takeOut(cart, line, Math.min(quantity ?? line.quantity, line.quantity), context);
}

/** Closes the cart. The event has its lines and when it was started. */
export function closeCart(
  cart: Cart,
  reason: CloseReason,
  { cartId, version, now }: ChangeContext,
): CartChange {
  requireOpen(cart);
  const startedAt = startOf(cart);
  return {
    cart: { ...cart, state: 'closed' },
    events: [
      {
        type: 'cart.closed',
        subject: cartId,
        key: cartId,
        time: now,
        data: {
          cartId,
          shopper: cart.shopper,
          reason,
          cartVersion: version,
          ...(startedAt !== undefined && { startedAt }),
          items: cart.items.map(({ productId, quantity, unitPrice }) => ({ productId, quantity, unitPrice })),
        },
      },
    ],
  };
}

/** The event that makes followers delete what they store by a shopper's key. */
export const shopperForgotten = (shopper: string, now: Date): NewEvent => ({
  type: 'cart.shopper-forgotten',
  subject: shopper,
  key: shopper,
  time: now,
  data: { shopper },
});

function requireOpen(cart: Cart): void {
  if (cart.state === 'closed') {
    throw problem('conflict', 'This cart is closed and accepts no more changes; open a new one.');
  }
}

function requireRoom(items: readonly Line[]): void {
  if (items.length > MAX_LINES) {
    throw problem(
      'unprocessable',
      `The cart would have ${items.length} lines; it may have at most ${MAX_LINES}.`,
    );
  }
}

const withItems = (cart: Cart, items: readonly Line[], { now }: ChangeContext): Cart => ({
  ...cart,
  startedAt: startOf(cart) ?? now.toISOString(),
  items,
});

/**
 * When the cart's first product was ever added; undefined if none was. For a cart of an older version it is when the
 * earliest of its lines was added.
 */
const startOf = ({ startedAt, items }: Cart): string | undefined =>
  startedAt ?? items.map(({ addedAt }) => addedAt).sort()[0];

function takeOut(cart: Cart, line: Line, quantity: number, context: ChangeContext): CartChange {
  const left = line.quantity - quantity;
  const items =
    left > 0
      ? cart.items.map((one) => (one === line ? { ...line, quantity: left } : one))
      : cart.items.filter((one) => one !== line);
  return {
    cart: withItems(cart, items, context),
    events: [
      itemEvent(
        'cart.item-removed',
        cart,
        { productId: line.productId, quantity, unitPrice: line.unitPrice },
        context,
      ),
    ],
  };
}

const newLine = (productId: string, { name, price }: ProductOnSale, { now }: ChangeContext): Line => ({
  productId,
  quantity: 0,
  addedAt: now.toISOString(),
  name,
  unitPrice: price,
});

const added = (
  cart: Cart,
  productId: string,
  quantity: number,
  unitPrice: Money,
  context: ChangeContext,
): NewEvent => itemEvent('cart.item-added', cart, { productId, quantity, unitPrice }, context);

const itemEvent = (
  type: 'cart.item-added' | 'cart.item-removed',
  { shopper }: Cart,
  moved: { productId: string; quantity: number; unitPrice: Money | undefined },
  { cartId, version, now }: ChangeContext,
): NewEvent => ({
  type,
  subject: cartId,
  key: cartId,
  time: now,
  data: { cartId, shopper, ...moved, cartVersion: version },
});
