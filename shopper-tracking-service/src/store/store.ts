import type { Client, Pool } from '@micromart/postgres/pool';
import type { Statement } from '@micromart/postgres/statement';
import type { Sweeping } from '@micromart/sweeping/sweeping';
import type { Counts, Tally } from '../counts.ts';
import type { List, Product } from '../list.ts';
import type { Window } from '../window.ts';

/**
 * Where shopper tracking remembers its counters. Reads take the connection of a snapshot, so that counters and the
 * position they stand for are read together; what is to be written is for the subscription's transaction.
 */
export type CountStore = {
  readonly pool: Pool;
  /**
   * For questions over many rows: few connections, each of whose statements ends after two seconds, so that such questions
   * wait for one another and for nobody else. Whoever gets no connection within five seconds is refused.
   */
  readonly listPool: Pool;
  /** What is swept away by time, for metrics. */
  readonly sweeps: Sweeping['sweeps'];
  /** What adds sums to the counters. */
  addition(tally: Tally): readonly Statement[];
  total(client: Client, productId: string): Promise<Counts>;
  /** What the counters of a product counted within a window. */
  within(client: Client, productId: string, window: Window): Promise<Counts>;
  list(client: Client, list: List): Promise<Product[]>;
  /** Whether the database answers, for readiness. */
  check(): Promise<{ ok: boolean; detail?: string }>;
  close(): Promise<void>;
};
