/** Counts the log again, up to any position: what the counters of a product must have been there. */
import { isMove, type LogEvent, type LogMove } from '../evidence/evidence.ts';
import { COUNTERS, type Counters, countersBy, NO_COUNTERS } from '../load/history.ts';

export type Recount = {
  readonly products: readonly string[];
  /** The counters of a product when so much of each partition is included; all of it where `upTo` is left out. */
  counters(productId: string, upTo?: ReadonlyMap<number, number>): Counters;
};

type Step = { readonly sequence: number; readonly counters: Counters };

export function createRecount(log: readonly LogEvent[]): Recount {
  /** By product and partition, the running counters at each of its events. */
  const steps = new Map<string, Map<number, Step[]>>();
  for (const event of log.filter(isMove)) {
    const lanes = steps.get(event.productId) ?? new Map<number, Step[]>();
    const lane = lanes.get(event.partition) ?? [];
    lane.push({
      sequence: event.sequence,
      counters: plus(lane.at(-1)?.counters ?? NO_COUNTERS, countersOf(event)),
    });
    lanes.set(event.partition, lane);
    steps.set(event.productId, lanes);
  }
  return {
    products: [...steps.keys()],
    counters: (productId, upTo) =>
      [...(steps.get(productId) ?? [])].reduce((sum, [partition, lane]) => {
        const reached = upTo ? (upTo.get(partition) ?? 0) : Number.POSITIVE_INFINITY;
        return plus(sum, lane[lastAtMost(lane, reached)]?.counters ?? NO_COUNTERS);
      }, NO_COUNTERS),
  };
}

const countersOf = ({ kind, quantity }: LogMove): Counters =>
  kind === 'add'
    ? { ...NO_COUNTERS, added: 1, unitsAdded: quantity }
    : { ...NO_COUNTERS, removed: 1, unitsRemoved: quantity };

const plus = (a: Counters, b: Counters): Counters => countersBy((name) => a[name] + b[name]);

/** The index of the last step at or below a sequence; -1 when there is none. */
function lastAtMost(lane: readonly Step[], sequence: number): number {
  let [low, high] = [0, lane.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lane[middle]!.sequence <= sequence) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export const sameCounters = (a: Counters, b: Counters): boolean =>
  COUNTERS.every((name) => a[name] === b[name]);

export const formatCounters = ({ added, removed, unitsAdded, unitsRemoved }: Counters): string =>
  `+${added} (${unitsAdded}) -${removed} (${unitsRemoved})`;
