/** A table of rows of counters, each 0 where there is no row. */
export type CounterTable = {
  readonly name: string;
  readonly keys: readonly string[];
  /** Columns, and the shape from which on each counts every event. */
  readonly counters: Readonly<Record<string, number>>;
  /** Its rows are deleted after a time, so two generations need not have the same. */
  readonly swept?: boolean;
};
