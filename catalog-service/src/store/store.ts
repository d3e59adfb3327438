import type { ChangeStore } from '@micromart/event-log/change-store';
import type { EventLog } from '@micromart/event-log/event-log';
import type { Sweeping } from '@micromart/sweeping/sweeping';
import type { Product, Version } from '../product.ts';

/**
 * The catalog's store: products, and the log of all that happened to them. The API reads and the worker writes, each with
 * its own credentials; the API's allow only reading.
 *
 * A reader may be opened before the worker has created the schema. Until then every call rejects with `unavailable`, and
 * `check` says why; afterwards it works without being reopened.
 */

/** What a conditional request needs: read from an index alone, never from the product itself. */
export type ProductVersion = Version & { readonly id: string };

export type StoredProduct = { readonly id: string; readonly product: Product };

export type Browse = {
  /**
   * Each of its words must begin a word of the product's name, brand, category or id (search.ts). Products that the version
   * before wrote are found by its rules until their words are rewritten.
   */
  readonly q?: string | undefined;
  readonly category?: string | undefined;
  /** Only ids after this one. */
  readonly after?: string | undefined;
  readonly limit: number;
};

export type CatalogReader = {
  readonly log: EventLog;
  /** The known ones, in the order of `ids`. */
  versions(ids: readonly string[]): Promise<ProductVersion[]>;
  /** The known ones, in the order of `ids`. */
  products(ids: readonly string[]): Promise<StoredProduct[]>;
  /** Those that are not withdrawn, ascending by the bytes of their ids. */
  browse(browse: Browse): Promise<StoredProduct[]>;
  /** Whether the database answers and the schema exists, for readiness. */
  check(): Promise<{ ok: boolean; detail?: string }>;
  close(): Promise<void>;
};

export type Capabilities = {
  /**
   * Whether the engine's updates are atomic, so that several workers may write. Otherwise only one worker may run.
   */
  readonly atomicCompareAndSet: boolean;
};

export type CatalogWriter = {
  readonly log: EventLog;
  readonly capabilities: Capabilities;
  /** The store groups concurrent changes, so a chunk of an import is written as changes made together. */
  readonly products: ChangeStore<Product>;
  /** What expires and is deleted, for metrics. */
  readonly sweeps: Sweeping['sweeps'];
  /** Ids of products whose scheduled price was due at `before`, the longest due first. */
  due(before: Date, limit: number): Promise<string[]>;
  /** Ids of products whose words were made by older rules, or before their last change. */
  outdatedSearch(limit: number): Promise<string[]>;
  /** Whether the database answers, for readiness. */
  check(): Promise<{ ok: boolean; detail?: string }>;
  /** Whether changes succeed: neither stuck nor refused by a full disk. Undefined if the engine cannot tell. */
  readonly checkWrites?: () => Promise<{ ok: boolean; detail?: string }>;
  /** Finishes what is in flight. */
  close(): Promise<void>;
};

export type WriterSettings = {
  /**
   * The PostgreSQL role of the API, which is granted what it reads; undefined if the API connects as the owner. On MongoDB the
   * server's administrator grants roles.
   */
  readonly apiRole?: string | undefined;
  readonly onError: (error: unknown) => void;
};
