/**
 * A shopper fills carts and closes them, with two hands at once, so that changes of one cart meet. One hand sends Idempotency-Keys and
 * repeats a request until it knows how it ended, and now and then once more for nothing; the other sends each request
 * once, whatever becomes of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draw } from '@micromart/demo/draws';
import type { Attempt, Change, Item } from './history.ts';
import type { Sender, Write } from './sending.ts';

export type ShopperDeps = {
  readonly subject: string;
  readonly token: string;
  readonly products: readonly string[];
  readonly draw: Draw;
  readonly sender: Sender;
  readonly onOpening: (attempt: Attempt) => void;
  readonly onCart: (cartId: string, subject: string) => void;
  readonly onChange: (change: Change) => void;
  readonly signal: AbortSignal;
};

const CARTS = 2;
const CHANGES_OF_A_CART = 40;
/** Of how many closed carts one is left, and not bought. */
const ABANDON_ONE_IN = 3;
const MAX_ITEMS = 3;
const MAX_QUANTITY = 5;
/** More than a line may hold once it is not empty: such a request is refused. */
const TOO_MUCH = 999;
const ATTEMPTS = 200;
const PAUSE_MS = 40;

type CartSlot = { cartId: string | undefined; changes: number };
type Plan = Pick<Change, 'kind' | 'reason' | 'items'>;

/** Shops until the signal is aborted; comes back when nothing is in flight any more. */
export async function shop(deps: ShopperDeps): Promise<void> {
  const slots = Array.from({ length: CARTS }, (): CartSlot => ({ cartId: undefined, changes: 0 }));
  await Promise.all([useHand(deps, slots, true), useHand(deps, slots, false)]);
}

async function useHand(deps: ShopperDeps, slots: readonly CartSlot[], keyed: boolean): Promise<void> {
  const { draw, signal, subject, onChange } = deps;
  for (let number = 0; !signal.aborted; number += 1) {
    const slot = slots[draw(slots.length)]!;
    const cartId = await cartAt(deps, slot);
    if (cartId === undefined) continue;
    slot.changes += 1;
    const isLast = slot.changes >= CHANGES_OF_A_CART;
    if (isLast) Object.assign(slot, { cartId: undefined, changes: 0 });
    const plan = isLast ? planClose(deps) : planChange(deps);
    const key = keyed ? `${subject}-${number}` : undefined;
    const attempts = await carryOut(deps, cartId, plan, key);
    onChange({ cartId, ...plan, attempts });
    const last = attempts.at(-1)!.outcome;
    if (last.kind !== 'acknowledged') await pause(signal);
  }
}

async function cartAt({ sender, token, subject, onOpening, onCart, signal }: ShopperDeps, slot: CartSlot) {
  if (slot.cartId !== undefined) return slot.cartId;
  const { attempt, body } = await sender.send({ method: 'POST', path: '/carts', token });
  onOpening(attempt);
  if (attempt.outcome.kind !== 'acknowledged') {
    await pause(signal);
    return undefined;
  }
  const { id } = JSON.parse(body) as { id: string };
  onCart(id, subject);
  Object.assign(slot, { cartId: id, changes: 0 });
  return id;
}

const planClose = ({ draw }: ShopperDeps): Plan => ({
  kind: 'close',
  reason: draw(ABANDON_ONE_IN) === 0 ? 'abandoned' : 'bought',
  items: [],
});

function planChange({ draw, products }: ShopperDeps): Plan {
  const product = () => products[draw(products.length)]!;
  const chance = draw(100);
  if (chance < 30)
    return { kind: 'remove', items: [{ productId: product(), quantity: 1 + draw(MAX_QUANTITY) }] };
  if (chance < 33) return { kind: 'add', items: [{ productId: product(), quantity: TOO_MUCH }] };
  const wanted = new Set(Array.from({ length: 1 + draw(MAX_ITEMS) }, product));
  return {
    kind: 'add',
    items: [...wanted].map((productId) => ({ productId, quantity: 1 + draw(MAX_QUANTITY) })),
  };
}

/** Sends the change, with a key as often as it takes to know how it ended. */
async function carryOut(
  { sender, token, draw, signal }: ShopperDeps,
  cartId: string,
  plan: Plan,
  key: string | undefined,
): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  const request = requestOf(cartId, plan);
  const onceMore = key !== undefined && draw(10) === 0 ? 1 : 0;
  for (let known = 0; attempts.length < ATTEMPTS; ) {
    const { attempt } = await sender.send({ ...request, token, key });
    attempts.push(attempt);
    if (key === undefined) break;
    if (isAnswer(attempt)) known += 1;
    if (known > onceMore) break;
    if (!isAnswer(attempt)) await pause(signal);
  }
  return attempts;
}

function requestOf(cartId: string, { kind, reason, items }: Plan): Pick<Write, 'method' | 'path' | 'body'> {
  if (kind === 'close') return { method: 'POST', path: `/carts/${cartId}/close`, body: { reason } };
  if (kind === 'add') return { method: 'POST', path: `/carts/${cartId}/items`, body: { items } };
  const [{ productId, quantity }] = items as readonly [Item];
  return { method: 'DELETE', path: `/carts/${cartId}/items/${productId}?quantity=${quantity}` };
}

/**
 * Whether the question is settled: a first request that is still under way, or a server that is not there, settles nothing. The
 * other hand may have closed the cart.
 */
const isAnswer = ({ outcome }: Attempt): boolean =>
  outcome.kind === 'acknowledged' ||
  (outcome.kind === 'refused' &&
    (outcome.why.includes('This cart is closed') || !/^(409|429|ECONN)/.test(outcome.why)));

/** Cut short when the run ends, which a last attempt may not be. */
const pause = (signal: AbortSignal): Promise<void> =>
  sleep(PAUSE_MS, undefined, signal.aborted ? {} : { signal }).catch(() => {});
