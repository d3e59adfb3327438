import type { Changed, ChangeOptions, ChangeStore } from '@micromart/event-log/change-store';
import type { EventLog } from '@micromart/event-log/event-log';
import type { Pool } from '@micromart/postgres/pool';
import type { Sweeping } from '@micromart/sweeping/sweeping';
import type { Cart } from '../cart.ts';

/**
 * The cart service's store: carts, who their shoppers are, and the log of all that happened to them. Only
 * `ChangeStore.change` writes carts, so no cart changes without its events.
 */
export type CartStore = {
  /** Connections to the same database, for the relay. */
  readonly pool: Pool;
  readonly log: EventLog;
  readonly carts: ChangeStore<Cart>;
  /** What expires and is deleted, for metrics. */
  readonly sweeps: Sweeping['sweeps'];
  /** Opens a cart for a shopper. The first cart also creates the shopper's pseudonym. */
  open<Answer>(
    cartId: string,
    subject: string,
    answer: (cart: Cart, version: number) => Answer,
    options?: ChangeOptions,
  ): Promise<Changed<Answer>>;
  /**
   * Forgets a shopper: closes the open carts as abandoned, with their events; then removes the carts' owner, the stored
   * answers and the pseudonym's link to the person, and appends `cart.shopper-forgotten`. No cart of that pseudonym is
   * open when that event is written, and none is opened after it. A repeated call after a failure continues where it
   * stopped. Throws `not-found` if the shopper is unknown.
   */
  forget(subject: string, options: ChangeOptions & { now: Date }): Promise<Changed<null>>;
  /** Whether the database answers, for readiness. */
  check(): Promise<{ ok: boolean; detail?: string }>;
  /** Whether changes are committed, for readiness. */
  checkWrites(): Promise<{ ok: boolean; detail?: string }>;
  /** Ends what is in flight, within half a second. */
  close(): Promise<void>;
};
