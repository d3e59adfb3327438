import type { Client, Pool } from '@micromart/postgres/pool';
import type { Statement } from '@micromart/postgres/statement';
import type { ReadModel } from '@micromart/subscription/generations/read-model';
import type { Projection } from '@micromart/subscription/projection';
import type { Sweeping } from '@micromart/sweeping/sweeping';
import type { CartChanges, CartCounts } from '../carts.ts';
import type { KeptChanges } from '../change-id.ts';
import type { Counts, Tally } from '../counts.ts';
import type { List, ListedProduct, Ordering, Past, Product } from '../list.ts';
import type { Points } from '../series.ts';
import type { Window } from '../window.ts';
import type { AnnotationStore } from './annotation-store.ts';

/**
 * Shopper tracking's store of counters. Reads take the connection of a snapshot, so that counters and the position they
 * stand for are read together; what is written goes into the subscription's transaction.
 */
export type CountStore = {
  readonly pool: Pool;
  /**
   * For questions over many rows: few connections, each with a limit of two seconds for a statement, so that such
   * questions wait for each other alone. A request that gets no connection within five seconds is refused.
   */
  readonly listPool: Pool;
  /** For lists that are read whole, as slowly as a client takes them: two connections. */
  readonly exportPool: Pool;
  /** For changes, which must be told also while all other connections are taken: two connections. */
  readonly changesPool: Pool;
  /** What is deleted after a time, for metrics. */
  readonly sweeps: Sweeping['sweeps'];
  /** The statements that add sums to the counters. */
  addition(tally: Tally): readonly Statement[];
  /** The statements that change carts as a batch of events says. */
  changeCarts(changes: CartChanges): readonly Statement[];
  /** The statements that say that closes say only from a time on what was in the cart; none where it is undefined. */
  linesMissed(completeFrom: number | undefined): readonly Statement[];
  /** The counters as a read model of that name with generations, built by a projection. */
  readModel<E>(name: string, projection: Projection<E>): ReadModel<E>;
  total(client: Client, productId: string): Promise<Counts>;
  /** What was counted for a product within a window. */
  within(client: Client, productId: string, window: Window): Promise<Counts>;
  list(client: Client, list: List): Promise<Product[]>;
  /** How these products stand in a list, by id; one of which nothing was counted is absent. */
  past(client: Client, ordering: Ordering, productIds: readonly string[]): Promise<Map<string, Past>>;
  /**
   * Opens a whole list in the client's transaction, which may have one open; `before` is a window to compare with. Gives
   * what reads the next products, none at the end.
   */
  openList(client: Client, ordering: Ordering, before?: Window): Promise<() => Promise<ListedProduct[]>>;
  /** For each product, what was counted in each point. Reads up to 27 rows for each: the hours and quarters of half a day, twice. */
  series(client: Client, productIds: readonly string[], points: Points): Promise<Counts[][]>;
  /** The carts that were started in each point, as they stood at a time, in milliseconds; as they stand where it is undefined. */
  carts(client: Client, points: Points, asOfMs: number | undefined): Promise<CartCounts[]>;
  /** Which changes are kept, in the generation that the client's bare names mean. */
  keptChanges(client: Client): Promise<Omit<KeptChanges, 'generation'>>;
  changesSince(client: Client, since: ChangesSince): Promise<ChangedProduct[]>;
  /** From when on quarter hours are complete, in milliseconds: the start of an hour, or -Infinity. */
  quartersFrom(client: Client): Promise<number>;
  /** From when on all closes say what was in the cart, in milliseconds, or -Infinity. */
  linesFrom(client: Client): Promise<number>;
  /** What is no part of the read model. */
  readonly annotations: AnnotationStore;
  /** Whether the database answers, for readiness. */
  check(): Promise<{ ok: boolean; detail?: string }>;
  close(): Promise<void>;
};

/** Asks for the products that transactions after `after` changed, not counting those of `except`. */
export type ChangesSince = {
  readonly after: bigint;
  readonly except: readonly bigint[];
  readonly limit: number;
};

/** A product, what it stands at now, and the last of these transactions that changed it. */
export type ChangedProduct = {
  readonly xid: bigint;
  readonly counts: Counts & { readonly productId: string };
};
