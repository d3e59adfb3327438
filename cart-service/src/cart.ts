import type { NewEvent } from '@micromart/shared/contracts/envelope';
import { problem } from '@micromart/shared/http/problem';

export const MAX_QUANTITY = 999;
export const MAX_LINES = 500;

export type Line = {
  readonly productId: string;
  readonly quantity: number;
  /** When the product was first added, RFC 3339. */
  readonly addedAt: string;
};

export type Cart = {
  /** Whose cart it is; null once the shopper is forgotten. */
  readonly owner: string | null;
  /** The shopper's pseudonym in events. */
  readonly shopper: string;
  readonly state: 'open' | 'closed';
  readonly items: readonly Line[];
};

export type CloseReason = 'bought' | 'abandoned';

/** What a change of a cart comes to; no events means that there is nothing to change. */
export type CartChange = { readonly cart: Cart; readonly events: readonly NewEvent[] };

/** What a rule needs to know of the change at hand besides the cart: which cart, which version it gets, and when. */
export type Occasion = { readonly cartId: string; readonly version: number; readonly now: Date };

export const openCart = (owner: string, shopper: string): Cart => ({
  owner,
  shopper,
  state: 'open',
  items: [],
});

/** Adds to what is there, all or nothing. */
export function addItems(
  cart: Cart,
  wanted: readonly { productId: string; quantity: number }[],
  occasion: Occasion,
): CartChange {
  requireOpen(cart);
  const lines = new Map(cart.items.map((line) => [line.productId, line]));
  for (const { productId, quantity } of wanted) {
    const line = lines.get(productId) ?? { productId, quantity: 0, addedAt: occasion.now.toISOString() };
    lines.set(productId, { ...line, quantity: line.quantity + quantity });
  }
  const items = [...lines.values()];
  const tooLarge = items.find((line) => line.quantity > MAX_QUANTITY);
  if (tooLarge) {
    throw problem(
      'unprocessable',
      `The line of product ${tooLarge.productId} would come to ${tooLarge.quantity}; a line holds at most ${MAX_QUANTITY}.`,
    );
  }
  requireRoom(items);
  return {
    cart: { ...cart, items },
    events: wanted.map(({ productId, quantity }) => added(cart, productId, quantity, occasion)),
  };
}

/** Sets a line to a quantity, 0 takes it out: what rises is an added event, what falls a removed one. */
export function setQuantity(cart: Cart, productId: string, quantity: number, occasion: Occasion): CartChange {
  requireOpen(cart);
  const line = cart.items.find((one) => one.productId === productId);
  const difference = quantity - (line?.quantity ?? 0);
  if (difference === 0) return { cart, events: [] };
  if (difference > 0) {
    const items = line
      ? cart.items.map((one) => (one === line ? { ...line, quantity } : one))
      : [...cart.items, { productId, quantity, addedAt: occasion.now.toISOString() }];
    requireRoom(items);
    return { cart: { ...cart, items }, events: [added(cart, productId, difference, occasion)] };
  }
  return takeOut(cart, line!, -difference, occasion);
}

/** Takes some of a line out, or all of it when `quantity` is left out or not less than what is there. */
export function removeItem(
  cart: Cart,
  productId: string,
  quantity: number | undefined,
  occasion: Occasion,
): CartChange {
  requireOpen(cart);
  const line = cart.items.find((one) => one.productId === productId);
  if (!line) throw problem('not-found', `Product ${productId} is not in this cart.`);
  return takeOut(cart, line, Math.min(quantity ?? line.quantity, line.quantity), occasion);
}

export function closeCart(cart: Cart, reason: CloseReason, { cartId, version, now }: Occasion): CartChange {
  requireOpen(cart);
  return {
    cart: { ...cart, state: 'closed' },
    events: [
      {
        type: 'cart.closed',
        subject: cartId,
        key: cartId,
        time: now,
        data: { cartId, shopper: cart.shopper, reason, cartVersion: version },
      },
    ],
  };
}

/** The event that tells followers to drop what they keep by a shopper's key. */
export const shopperForgotten = (shopper: string, now: Date): NewEvent => ({
  type: 'cart.shopper-forgotten',
  subject: shopper,
  key: shopper,
  time: now,
  data: { shopper },
});

function requireOpen(cart: Cart): void {
  if (cart.state === 'closed') {
    throw problem('conflict', 'This cart is closed and takes no more changes; open a new one.');
  }
}

function requireRoom(items: readonly Line[]): void {
  if (items.length > MAX_LINES) {
    throw problem(
      'unprocessable',
      `The cart would hold ${items.length} lines; it holds at most ${MAX_LINES}.`,
    );
  }
}

function takeOut(cart: Cart, line: Line, quantity: number, occasion: Occasion): CartChange {
  const left = line.quantity - quantity;
  const items =
    left > 0
      ? cart.items.map((one) => (one === line ? { ...line, quantity: left } : one))
      : cart.items.filter((one) => one !== line);
  return {
    cart: { ...cart, items },
    events: [itemEvent('cart.item-removed', cart, line.productId, quantity, occasion)],
  };
}

const added = (cart: Cart, productId: string, quantity: number, occasion: Occasion): NewEvent =>
  itemEvent('cart.item-added', cart, productId, quantity, occasion);

const itemEvent = (
  type: 'cart.item-added' | 'cart.item-removed',
  { shopper }: Cart,
  productId: string,
  quantity: number,
  { cartId, version, now }: Occasion,
): NewEvent => ({
  type,
  subject: cartId,
  key: cartId,
  time: now,
  data: { cartId, shopper, productId, quantity, cartVersion: version },
});
