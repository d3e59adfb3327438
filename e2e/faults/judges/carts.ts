import { type Evidence, isMove } from '../evidence/evidence.ts';
import { linesOf } from './closes.ts';

/** Every cart holds in the end what its events come to: no update is lost, and no state is without its events. */
export function judgeCarts({ history, log, carts }: Evidence): string[] {
  const byCart = Map.groupBy(log, ({ cartId }) => cartId);
  return [...history.carts.keys()].flatMap((cartId) => {
    const cart = carts.get(cartId);
    if (!cart) return [`cart ${cartId} was opened and is not there`];
    const lines = linesOf((byCart.get(cartId) ?? []).filter(isMove));
    const wrong = [...new Set([...lines.keys(), ...cart.lines.keys()])].filter(
      (productId) => (lines.get(productId) ?? 0) !== (cart.lines.get(productId) ?? 0),
    );
    return wrong.map(
      (productId) =>
        `cart ${cartId} holds ${cart.lines.get(productId) ?? 0} of ${productId}; its events come to ${lines.get(productId) ?? 0}`,
    );
  });
}
