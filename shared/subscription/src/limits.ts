/** Every bound of a subscription. A service keeps the defaults; tests make them small. */
export type Limits = {
  /** Events of one transaction. */
  readonly batchEvents: number;
  /** Events of one page of the owner's feed. */
  readonly pageEvents: number;
  /** Events that the answer to a question for the heads may bring along. */
  readonly newsEvents: number;
  /** Page requests at the same time. */
  readonly pagesAtOnce: number;
  /** Events of one partition that wait in memory: no more are fetched or taken while there are as many. */
  readonly bufferedEvents: number;
  /** How long the owner holds a question for its heads: an idle partition's As-Of is never older. */
  readonly headWaitS: number;
  /** How long a transport may be silent about events that the owner has before they are fetched. */
  readonly graceMs: number;
  /** How long an instance may have no place at its transport before it goes by the feed, as if there were no transport. */
  readonly awayMs: number;
  /** How far apart two conclusions must lie that the owner's log was replaced; between them it is asked again. */
  readonly confirmReplacedMs: number;
  /** How often an event is tried alone before it is parked. */
  readonly attempts: number;
  /** Parked events of a subscription; with more it stops. */
  readonly parkedEvents: number;
};

export const defaultLimits: Limits = {
  batchEvents: 5_000,
  pageEvents: 1_000,
  newsEvents: 1_000,
  pagesAtOnce: 8,
  bufferedEvents: 1_000,
  headWaitS: 5,
  graceMs: 5_000,
  awayMs: 2_000,
  confirmReplacedMs: 1_000,
  attempts: 3,
  parkedEvents: 1_000,
};
