import type { Draw } from '@micromart/demo/draws';
import type { Stop } from '../evidence/evidence.ts';
import type { Load } from '../load/load.ts';
import type { Ordering } from '../load/ordering.ts';
import type { System } from '../system/system.ts';

export type Scene = {
  readonly system: System;
  readonly load: Load;
  readonly ordering: Ordering;
  readonly draw: Draw;
};

/** What became of a fault: when it struck (wall clock), how many writes were in flight then, and who ended by it. */
export type Struck = {
  readonly atMs: number;
  readonly inFlight: number;
  readonly stops?: readonly Stop[];
  /** Brings back what nobody else does, once the system goes on without it. */
  readonly repair?: () => Promise<void>;
};

export type Fault = {
  readonly says: string;
  /** The figure in which it counts. */
  readonly figure: string;
  /** Whose recovery from it is measured, and what it asks of the moment: enough writes in flight. */
  readonly kills?: 'service' | 'PostgreSQL' | 'launcher' | 'broker' | 'all of Kafka' | 'catalog';
  /** By what the recovery is known; that writes are counted unless given. */
  readonly recovery?: 'counts everywhere' | 'carries out orders';
  /** No write of a shopper may suffer from it. */
  readonly sparesWrites?: boolean;
  /** No request of anybody may. */
  readonly sparesAll?: boolean;
  /** Whether a look at a cart may fail by it, for it ends or freezes a cart-service. */
  readonly cutsCarts?: boolean;
  strike(scene: Scene): Promise<Struck>;
};

/** The processes, by their names in the launcher. */
export const CART = 'cart-service';
export const TRACKING = 'shopper-tracking-service';
export const CATALOG = 'catalog-service';
export const WORKER = 'catalog-worker';
