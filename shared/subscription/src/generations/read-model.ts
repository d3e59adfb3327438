import type { Client } from '@micromart/postgres/pool';
import type { Sweeping } from '@micromart/sweeping/sweeping';
import type { Projection } from '../projection.ts';
import type { Differences } from './differences.ts';
import type { Generation, LiveGeneration } from './generation.ts';

/**
 * What generations need of a read model, whatever it consists of. `table-model.ts` is the one for tables.
 *
 * A model that is answered from memory keeps its durable form, a snapshot or rows, in the database, because effects and
 * positions must be one transaction. It implements this as follows: `create` makes a place for the generation's durable form,
 * keyed by the generation's name; `open` loads it, gives a projection that writes it, and keeps what is in memory up to date until
 * `close`; `reading` gives undefined until that is loaded; `compare` reads both durable forms in the client's snapshot, not the
 * memory, which belongs to another moment; `drop` deletes the durable form.
 */
export type ReadModel<E> = {
  /** Also the name of the first generation's subscription. */
  readonly name: string;
  /**
   * What this process counts by, as a number. It is raised with every change of what is counted. A process neither follows
   * nor serves generations of a higher shape, which it knows nothing of.
   */
  readonly shape: number;
  /** Makes the storage of a generation. After a crash it is called again, and finds some or all of it made. */
  create(generation: Generation): Promise<void>;
  /**
   * What follows a generation's events; it is open while this process follows it. Another version may have made the storage,
   * so it is brought up to date first.
   */
  open(generation: Generation): Promise<OpenGeneration<E>>;
  /** How readers get to the live generation; undefined while this process cannot serve it. */
  reading(generation: LiveGeneration): Reading | undefined;
  /** How many bytes a generation takes. */
  size(generation: Pick<Generation, 'name' | 'number'>): Promise<number>;
  /**
   * Compares two generations row by row, as the client's transaction sees them. Lists at most `limit` rows that differ, and
   * counts all. What only the newer one counts is no difference.
   */
  compare(client: Client, live: Generation, other: Generation, limit: number): Promise<Differences>;
  /** Removes the storage; nothing follows it or reads it any more. It may be called again after a crash. */
  drop(client: Client, generation: Generation): Promise<void>;
};

export type OpenGeneration<E> = {
  readonly projection: Projection<E>;
  /** Of the sessions that write its effects. */
  readonly sessionSettings: Readonly<Record<string, string>>;
  /** What is deleted from it after a time, for metrics; by tables that are named with the generation's schema. */
  readonly sweeps?: Sweeping['sweeps'];
  close(): Promise<void>;
};

/** `searchPath` is set for a reading transaction, and holds the generation's schema alone; none for the first generation. */
export type Reading = { readonly searchPath?: string };
