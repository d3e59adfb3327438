/**
 * The leading instance's picture of one subscription: a lane for each partition, with what has come, what has not, and
 * what the owner said of its head. The loops of follow.ts share it: some fill the lanes, one empties them. Pure; the
 * clock is passed in (milliseconds that only grow).
 */
import type { LoggedEvent } from '../contracts/envelope.ts';
import type { Heads } from '../event-log/event-log.ts';
import type { Sequences } from '../event-log/position.ts';
import { createIntake, type Intake, type Missing } from './intake.ts';
import type { Limits } from './limits.ts';
import { createMark, type Mark } from './mark.ts';
import type { Note, Standing } from './standing.ts';

type Lane = {
  readonly partition: number;
  readonly intake: Intake;
  readonly mark: Mark;
  /** The owner's head, so far as it is known. */
  head: number;
  /** Since when nothing new came that the owner has: the last delivery, or the head's rise above what is here. */
  quietSinceMs: number;
  /** Whether something was learnt that is not written down yet. */
  noteworthy: boolean;
};

export type Fetch = Missing & { readonly partition: number; readonly limit: number };

export type Line = {
  readonly log: string | undefined;
  /** Starts from a standing; what has come already and lies beyond it is kept. */
  restart(standing: Standing, nowMs: number): void;
  /** Takes in what the owner said of its heads. */
  hear(heads: Heads, nowMs: number): void;
  hasRoom(partition: number): boolean;
  /** Takes in events, in any order; gives how many were new. `nowMs` only for those that came by themselves. */
  accept(partition: number, events: readonly LoggedEvent[], nowMs?: number): number;
  /** Takes in what came along with the heads, as far as there is room; the rest is fetched. */
  acceptNews(events: readonly LoggedEvent[]): void;
  /** What is to be fetched now, the emptiest lanes first, and in how many milliseconds there will be more. */
  due(nowMs: number): { fetches: Fetch[]; nextMs: number | undefined };
  /** The next events to apply, of all lanes in turn, dense and in order in each. */
  take(max: number): LoggedEvent[];
  commit(partition: number, sequence: number): void;
  positions(): Sequences;
  heads(): Sequences;
  /** What was learnt since the last call. */
  notes(): Note[];
};

type LineLimits = Pick<Limits, 'bufferedEvents' | 'pageEvents' | 'graceMs'>;

export function createLine({ bufferedEvents, pageEvents, graceMs }: LineLimits): Line {
  let log: string | undefined;
  const lanes = new Map<number, Lane>();
  let turn = 0;

  function dueOf(lane: Lane, nowMs: number): { fetch: Fetch; inMs: number } | undefined {
    const missing = lane.intake.missing(lane.head);
    if (!missing) return undefined;
    const { partition, intake } = lane;
    const size = missing.upTo - missing.after;
    if (missing.kind === 'hole')
      return { fetch: { ...missing, partition, limit: Math.min(size, pageEvents) }, inMs: 0 };
    // Whole pages, once half of what may wait has gone: a page for each event that leaves would be many requests.
    if (intake.waiting > bufferedEvents / 2) return undefined;
    const inMs = Math.max(0, lane.quietSinceMs + graceMs - nowMs);
    return { fetch: { ...missing, partition, limit: pageEvents }, inMs };
  }

  return {
    get log() {
      return log;
    },

    restart(standing, nowMs) {
      log = standing.log;
      for (const [partition, position] of standing.positions) {
        const lane = lanes.get(partition);
        if (lane) lane.intake.restart(position);
        else lanes.set(partition, newLane(partition, position, nowMs));
      }
    },

    hear({ at, last }, nowMs) {
      for (const [partition, head] of last) {
        const lane = lanes.get(partition)!;
        const { ready } = lane.intake;
        if (head > ready && lane.head <= ready) lane.quietSinceMs = nowMs;
        lane.head = Math.max(lane.head, head);
        lane.mark.note(head, at);
        lane.noteworthy = true;
      }
    },

    hasRoom: (partition) => (lanes.get(partition)?.intake.waiting ?? 0) < bufferedEvents,

    accept(partition, events, nowMs) {
      const lane = lanes.get(partition);
      if (!lane) return 0;
      const fresh = lane.intake.accept(events);
      // A transport that only repeats itself is silent about what the owner has.
      if (nowMs !== undefined && fresh > 0) lane.quietSinceMs = nowMs;
      return fresh;
    },

    acceptNews(events) {
      for (const [partition, own] of Map.groupBy(events, (event) => event.partition)) {
        const lane = lanes.get(partition);
        if (lane && lane.intake.waiting < bufferedEvents) lane.intake.accept(own);
      }
    },

    due(nowMs) {
      const all = [...lanes.values()].flatMap((lane) => dueOf(lane, nowMs) ?? []);
      const later = all.filter(({ inMs }) => inMs > 0).map(({ inMs }) => inMs);
      const waiting = ({ partition }: Fetch) => lanes.get(partition)!.intake.waiting;
      return {
        fetches: all
          .filter(({ inMs }) => inMs === 0)
          .map(({ fetch }) => fetch)
          .sort((a, b) => waiting(a) - waiting(b)),
        nextMs: later.length > 0 ? Math.min(...later) : undefined,
      };
    },

    take(max) {
      const all = [...lanes.values()];
      const events: LoggedEvent[] = [];
      // Another lane comes first each time, so that none is left out while the others fill every batch.
      for (let i = 0; i < all.length && events.length < max; i += 1)
        events.push(...all[(turn + i) % all.length]!.intake.take(max - events.length));
      turn += 1;
      return events;
    },

    commit(partition, sequence) {
      const lane = lanes.get(partition)!;
      lane.intake.commit(sequence);
      lane.noteworthy = true;
    },

    positions: () => new Map([...lanes].map(([partition, { intake }]) => [partition, intake.position])),
    heads: () =>
      new Map([...lanes].map(([partition, { head, intake }]) => [partition, Math.max(head, intake.ready)])),

    notes() {
      return [...lanes.values()].flatMap((lane) => {
        if (!lane.noteworthy) return [];
        lane.noteworthy = false;
        const { partition, head, intake, mark } = lane;
        return [{ partition, head, asOf: mark.reached(intake.position) }];
      });
    },
  };
}

const newLane = (partition: number, position: number, nowMs: number): Lane => ({
  partition,
  intake: createIntake(position),
  mark: createMark(),
  head: position,
  quietSinceMs: nowMs,
  noteworthy: false,
});
