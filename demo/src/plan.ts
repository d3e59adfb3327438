import { createDraw, type Draw } from './draws.ts';

/** One purchase. */
export type Basket = { readonly id: string; readonly shopper: string; readonly lines: readonly BasketLine[] };
export type BasketLine = { readonly productId: string; readonly quantity: number };

/**
 * One change of a cart. `units` is how many of the product it adds or removes, which is what its event counts:
 * - `add` adds them,
 * - `set` sets the line to `left`, which is `units` fewer than before,
 * - `take` takes them out of a line with more units,
 * - `drop` removes the whole line, which has exactly `units`.
 */
export type Operation =
  | { readonly kind: 'add' | 'take' | 'drop'; readonly productId: string; readonly units: number }
  | { readonly kind: 'set'; readonly productId: string; readonly units: number; readonly left: number };

export type CloseReason = 'bought' | 'abandoned';

/** A product that was in a cart when that was closed, and how many of it. */
export type Closing = { readonly kind: CloseReason; readonly productId: string; readonly units: number };

/** One item in so many is taken out again. */
const ONE_REMOVED_IN = 12;

/**
 * The operations that fill a cart with a basket. Each line is added, in order. About one in twelve is taken out again, at once
 * or a while later, wholly or (if it has more than one unit) in part. The same basket and seed give the same plan.
 */
export function planCart(basket: Basket, seed: number): Operation[] {
  const draw = createDraw(`${seed}/${basket.id}`);
  const operations: Operation[] = [];
  const held = new Map<string, number>();
  const removalsAfter = new Map<number, BasketLine[]>();

  for (const [at, { productId, quantity }] of basket.lines.entries()) {
    operations.push({ kind: 'add', productId, units: quantity });
    held.set(productId, (held.get(productId) ?? 0) + quantity);

    if (draw(ONE_REMOVED_IN) === 0) {
      const after = at + draw(basket.lines.length - at);
      const removals = removalsAfter.get(after) ?? [];
      removalsAfter.set(after, [...removals, { productId, quantity: drawUnits(quantity, draw) }]);
    }
    for (const removal of removalsAfter.get(at) ?? []) {
      const left = held.get(removal.productId)! - removal.quantity;
      held.set(removal.productId, left);
      operations.push(drawRemoval(removal, left, draw));
    }
  }
  return operations;
}

/** One cart in so many is abandoned. */
const ONE_ABANDONED_IN = 12;

/** Why a basket's cart is closed. The source has purchases only, so the seed decides which carts are abandoned. */
export const planClose = ({ id }: Basket, seed: number): CloseReason =>
  createDraw(`${seed}/${id}/close`)(ONE_ABANDONED_IN) === 0 ? 'abandoned' : 'bought';

/** What a cart holds after its operations, and so is closed with. */
export function linesLeft(operations: readonly Operation[], reason: CloseReason): Closing[] {
  const left = new Map<string, number>();
  for (const { kind, productId, units } of operations)
    left.set(productId, (left.get(productId) ?? 0) + (kind === 'add' ? units : -units));
  return [...left]
    .filter(([, units]) => units > 0)
    .map(([productId, units]) => ({ kind: reason, productId, units }));
}

/** Half of the removals take the whole line; the others only a part, if possible. */
const drawUnits = (quantity: number, draw: Draw): number =>
  quantity > 1 && draw(2) === 0 ? 1 + draw(quantity - 1) : quantity;

function drawRemoval({ productId, quantity: units }: BasketLine, left: number, draw: Draw): Operation {
  const kinds = left === 0 ? (['set', 'take', 'drop'] as const) : (['set', 'take'] as const);
  const kind = kinds[draw(kinds.length)]!;
  return kind === 'set' ? { kind, productId, units, left } : { kind, productId, units };
}
