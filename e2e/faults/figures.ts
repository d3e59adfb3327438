/** What a run measured. Figures of several runs are put together by adding counts and joining lists. */
export type Figures = {
  readonly counts: Readonly<Record<string, number>>;
  /** Writes in flight at the moment of each kill. */
  readonly inFlight: readonly number[];
  /** How long something took, each time: what it was, and the milliseconds. */
  readonly timesMs: Readonly<Record<string, readonly number[]>>;
};

/** Writes in flight at the moment of a kill, at least. */
export const CROWD = 32;

export const NO_FIGURES: Figures = { counts: {}, inFlight: [], timesMs: {} };

export function addFigures(a: Figures, b: Figures): Figures {
  const counts = { ...a.counts };
  for (const [name, count] of Object.entries(b.counts)) counts[name] = (counts[name] ?? 0) + count;
  const timesMs = { ...a.timesMs };
  for (const [name, times] of Object.entries(b.timesMs)) timesMs[name] = [...(timesMs[name] ?? []), ...times];
  return { counts, inFlight: [...a.inFlight, ...b.inFlight], timesMs };
}

/** The smallest value that `share` of all values do not exceed; undefined when there are none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
