/** Fills the log before a run, by many products in one request. */
import type { Change } from './history.ts';
import type { Sender } from './sending.ts';

const REQUESTS_A_CART = 20;
const AT_ONCE = 16;
const MAX_ATTEMPTS = 50;

/** Puts `events` into carts of `subject`, each cart and each change as it is recorded of others. */
export async function prefill({
  events,
  products,
  subject,
  token,
  sender,
  onCart,
  onChange,
}: {
  events: number;
  products: readonly string[];
  subject: string;
  token: string;
  sender: Sender;
  onCart: (cartId: string, owner: string) => void;
  onChange: (change: Change) => void;
}): Promise<void> {
  const items = products.map((productId) => ({ productId, quantity: 1 }));
  let carts = Math.ceil(events / products.length / REQUESTS_A_CART);
  async function fill(): Promise<void> {
    while (carts > 0) {
      carts -= 1;
      const opened = await sender.send({ method: 'POST', path: '/carts', token });
      const { id: cartId } = JSON.parse(opened.body) as { id: string };
      onCart(cartId, subject);
      for (let n = 0; n < REQUESTS_A_CART; n += 1) await add(cartId);
    }
  }
  async function add(cartId: string): Promise<void> {
    for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts += 1) {
      const path = `/carts/${cartId}/items`;
      const { attempt } = await sender.send({ method: 'POST', path, token, body: { items } });
      onChange({ cartId, kind: 'add', items, attempts: [attempt] });
      if (attempt.outcome.kind === 'acknowledged') return;
    }
    throw new Error(`cart ${cartId} could not be filled`);
  }
  await Promise.all(Array.from({ length: AT_ONCE }, fill));
}
