/** All that a run is judged by: what was asked and answered, and what is there in the end. */
import { type Figures, NO_FIGURES } from '../figures.ts';
import type { Glance } from '../load/glances.ts';
import type { CloseReason, Counters, History } from '../load/history.ts';
import type { Compared } from '../load/operating.ts';
import { NO_ORDERS, type OrderHistory } from '../load/orders.ts';

/** An event of a cart in the log. */
export type LogEvent = LogMove | LogClose;

type OfCart = {
  readonly partition: number;
  readonly sequence: number;
  /** The number of the request that it came from; undefined when it was none of ours. */
  readonly trace: number | undefined;
  /** RFC 3339. */
  readonly time: string;
  readonly cartId: string;
  /** The cart's version after the change. */
  readonly version: number;
};

/** It moves a product. */
export type LogMove = OfCart & {
  readonly kind: 'add' | 'remove';
  readonly productId: string;
  readonly quantity: number;
};

export type LogClose = OfCart & {
  readonly kind: 'close';
  readonly reason: CloseReason;
  readonly startedAt: string | undefined;
  /** Quantities by product, as the event has them. */
  readonly lines: ReadonlyMap<string, number>;
};

export const isMove = (event: LogEvent): event is LogMove => event.kind !== 'close';

export type CartState = {
  readonly version: number;
  readonly isClosed: boolean;
  readonly lines: ReadonlyMap<string, number>;
};

/** A process that was told to end. Times are the wall clock's, in milliseconds since 1970. */
export type Stop = {
  readonly name: string;
  readonly toldAtMs: number;
  readonly goneAtMs: number;
  readonly how: string;
};

/** A fault that some requests may not suffer from, and the time it took, by the wall clock. */
export type Spared = {
  readonly fault: string;
  readonly fromMs: number;
  readonly tillMs: number;
  /** A cart-service was started anew before: it knows only the products that it was asked for since. */
  readonly withEmptyCopies?: boolean;
};

/** A job as the catalog lists it. */
export type Job = {
  readonly id: string;
  /** Its number in the order of acceptance. */
  readonly number: number;
  readonly kind: 'put' | 'withdraw' | 'import';
  /** Of a single order. */
  readonly productId?: string;
  /** Of an import. */
  readonly url?: string;
  readonly state: string;
  readonly result: string | Readonly<Record<string, number>> | null;
  readonly finishedAt: string | null;
};

export type ProductState = { readonly version: number; readonly name: string; readonly withdrawn: boolean };

/** An event of the catalog's log. */
export type CatalogChange = {
  readonly productId: string;
  readonly version: number;
  /** The number of the order that it came from. */
  readonly trace: number | undefined;
};

export type CatalogEvidence = {
  readonly history: OrderHistory;
  readonly jobs: readonly Job[];
  /** As they are answered in the end. */
  readonly products: ReadonlyMap<string, ProductState>;
  /** In the order of the sequences within each partition. */
  readonly changes: readonly CatalogChange[];
};

export const NO_CATALOG: CatalogEvidence = {
  history: NO_ORDERS,
  jobs: [],
  products: new Map(),
  changes: [],
};

/** A reader of the log, with the positions of the events that it saw, in its order. */
export type Follower = { readonly name: string; readonly seen: readonly Seen[] };
export type Seen = { readonly partition: number; readonly sequence: number };

export type Evidence = {
  readonly history: History;
  /** In the order of the sequences within each partition. */
  readonly log: readonly LogEvent[];
  /** The carts as they are answered in the end. */
  readonly carts: ReadonlyMap<string, CartState>;
  /** The counters of each read model as they are answered in the end, by product. */
  readonly counters: readonly ReadonlyMap<string, Counters>[];
  readonly followers: readonly Follower[];
  readonly stops: readonly Stop[];
  readonly spared: readonly Spared[];
  /** Faults that no request may suffer from, whoever sent it. */
  readonly rolls: readonly Spared[];
  /** Faults by which a look at a cart may fail. */
  readonly cuts: readonly Spared[];
  /** Subscriptions that stopped, and why. A run ends with the first, and nothing else is read then. */
  readonly stopped: readonly string[];
  /** How carts were seen, where anybody looked. */
  readonly glances: readonly Glance[];
  /** For how many seconds the catalog let its answers live; undefined where that did not matter. */
  readonly maxAgeS?: number | undefined;
  readonly catalog: CatalogEvidence;
  /** Comparisons of generations with the live one. */
  readonly compared: readonly Compared[];
  readonly figures: Figures;
  /** What the run must have come to, else it shows nothing: figures and their least values. */
  readonly demands: Readonly<Record<string, number>>;
};

export const NO_HISTORY: History = {
  changes: [],
  answers: [],
  misanswers: [],
  broken: [],
  unanswered: [],
  openings: [],
  carts: new Map(),
};

/** Of a run in which nothing happened and nobody looked. */
export const NO_EVIDENCE: Evidence = {
  history: NO_HISTORY,
  log: [],
  carts: new Map(),
  counters: [],
  followers: [],
  stops: [],
  spared: [],
  rolls: [],
  cuts: [],
  stopped: [],
  glances: [],
  catalog: NO_CATALOG,
  compared: [],
  figures: NO_FIGURES,
  demands: {},
};
