/** A row that is not the same in both generations. Values by column, only those that differ; a missing row counts nothing. */
export type Difference = {
  readonly table: string;
  readonly key: Readonly<Record<string, string>>;
  readonly live: Readonly<Record<string, number>>;
  readonly other: Readonly<Record<string, number>>;
};

/** What a comparison of two generations gave. */
export type Differences = {
  /** How many rows were compared; a row of one generation only is one as well. */
  readonly rows: number;
  /** How many of them differ. */
  readonly differing: number;
  /** The first of those. */
  readonly listed: readonly Difference[];
  /** Counters, or whole tables, that only one of the two has counted from the first event on; they were not compared. */
  readonly newCounters: readonly string[];
  /** Tables that were left out because time sweeps them. */
  readonly leftOut: readonly string[];
};
