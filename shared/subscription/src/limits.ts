/** Every limit of a subscription. A service keeps the defaults; tests make them small. */
export type Limits = {
  /** Events in one transaction. */
  readonly batchEvents: number;
  /** With so much data in its events (events/data-bytes.ts), a transaction takes no more. */
  readonly batchBytes: number;
  /** Events in one page of the owner's feed. */
  readonly pageEvents: number;
  /** Events that may come with the heads in one answer. */
  readonly eventsWithHeads: number;
  /** Page requests at the same time. */
  readonly pagesAtOnce: number;
  /** Events of one partition in memory: while there are as many, no more are fetched or accepted. */
  readonly bufferedEvents: number;
  /** The same for their data, in bytes. A page that was asked for may come on top of it. */
  readonly bufferedBytes: number;
  /** How long the owner may hold a request for its heads, in seconds: an idle partition's As-Of is never older. */
  readonly headWaitS: number;
  /** How long the leader waits for the transport to deliver events that the owner has, before it fetches them. */
  readonly graceMs: number;
  /** How long an instance may have no assignment before it follows the feed, as if there were no transport. */
  readonly unassignedMs: number;
  /** How far apart two answers must lie that both show another log before the subscription stops. */
  readonly confirmReplacedMs: number;
  /** How often an event that fails is tried alone before it is parked. */
  readonly attempts: number;
  /** Parked events of a subscription; before it would have more, it stops. */
  readonly parkedEvents: number;
};

export const defaultLimits: Limits = {
  batchEvents: 5_000,
  batchBytes: 8_000_000,
  pageEvents: 1_000,
  eventsWithHeads: 1_000,
  pagesAtOnce: 8,
  bufferedEvents: 1_000,
  bufferedBytes: 1_000_000,
  headWaitS: 5,
  graceMs: 5_000,
  unassignedMs: 2_000,
  confirmReplacedMs: 1_000,
  attempts: 3,
  parkedEvents: 1_000,
};
