/**
 * An instance's picture of one subscription: a lane for each partition, with what has come, what has not, and what the
 * owner said of its head. The loops of follow.ts share it: some fill the lanes, one empties them. Pure; the clock is
 * passed in (milliseconds that only grow).
 *
 * Where a transport shares the partitions out, a lane is the instance's own while its partition is assigned to it. Events
 * come to own lanes only, and holes are filled there. The instance that leads knows the heads and looks after the ends of
 * all lanes: of another instance's it sees only what the database says, so it looks there before it takes one for stuck.
 */

import type { Heads } from '@micromart/event-log/event-log';
import type { ReceivedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';
import type { Limits } from '../limits.ts';
import type { Share } from '../sources/partition-assignment.ts';
import type { Note, Standing } from './checkpoint.ts';
import { createIntake, type Intake, type Missing, sequenceOf } from './reorder-buffer.ts';
import { createMark, type Mark } from './watermark.ts';

type Lane = {
  readonly partition: number;
  readonly intake: Intake;
  readonly mark: Mark<Date>;
  /** The owner's head, so far as it is known. */
  head: number;
  /** When the head came to lie beyond what is here. */
  behindSinceMs: number;
  /** When the transport last went ahead here, or others were seen to have moved the position. */
  stirredMs: number;
  /** The highest sequence that the transport has brought since the share was told. */
  broughtUpTo: number;
  /** The position is no older than that. */
  lookedMs: number;
  /** Whether something was learnt that is not written down yet. */
  noteworthy: boolean;
};

export type Fetch = Missing & { readonly partition: number; readonly limit: number };

export type Line = {
  readonly log: string | undefined;
  /** Takes in what the database said when it was asked at `askedMs`: others may have moved on. */
  learn(standing: Standing, askedMs: number): void;
  /** Starts again from a standing, after a failure: what was handed out counts as not had. */
  restart(standing: Standing, askedMs: number): void;
  /** Takes note that the share has changed: what waits of others' partitions is theirs to apply. */
  reassign(): void;
  /** From now on this instance looks after the ends of all lanes, until it resigns. */
  lead(nowMs: number): void;
  resign(): void;
  /** Whether the database is to be looked into: for partitions that were assigned, or for others' that lie behind. */
  mustLook(): boolean;
  /** Takes in what the owner said of its heads. */
  hear(heads: Heads, nowMs: number): void;
  /** Whether events of this partition may come in now. */
  admits(partition: number): boolean;
  /** Takes in what came by the transport, in any order; gives how many events were new. */
  accept(partition: number, events: readonly ReceivedEvent[], nowMs: number): number;
  /** Takes in what was fetched; gives how many events were new. */
  fill(partition: number, events: readonly ReceivedEvent[]): number;
  /** Takes in what came along with the heads, as far as there is room; the rest is fetched. */
  acceptNews(events: readonly ReceivedEvent[]): void;
  /** What is to be fetched now, the emptiest lanes first, and in how many milliseconds there will be more. */
  due(nowMs: number): { fetches: Fetch[]; nextMs: number | undefined };
  /** The next events to apply, of all lanes in turn, dense and in order in each. */
  take(max: number): ReceivedEvent[];
  commit(partition: number, sequence: number): void;
  positions(): Sequences;
  heads(): Sequences;
  /** What was learnt since the last call. */
  notes(): Note[];
};

type LineLimits = Pick<Limits, 'bufferedEvents' | 'pageEvents'>;

/** Without a share, all lanes are this instance's own, and everything is fetched at once. */
export function createLine({ bufferedEvents, pageEvents }: LineLimits, share?: Share): Line {
  let log: string | undefined;
  let leading = false;
  const lanes = new Map<number, Lane>();
  let turn = 0;
  const isOwn = ({ partition }: Lane) => share?.owns(partition) ?? true;
  /** Whether others may have moved its position since the database was looked into. */
  const isUnsure = ({ lookedMs }: Lane) => share !== undefined && lookedMs < share.assignedMs;

  /** Takes each lane to where the database says; `move` tells whether others have been there. */
  function moveLanes(
    standing: Standing,
    askedMs: number,
    move: (intake: Intake, position: number) => boolean,
  ) {
    log = standing.log;
    for (const [partition, position] of standing.positions) {
      const lane = lanes.get(partition) ?? newLane(partition, position, askedMs);
      lanes.set(partition, lane);
      lane.lookedMs = askedMs;
      if (!move(lane.intake, position)) continue;
      lane.stirredMs = askedMs;
      lane.noteworthy = true;
    }
  }

  function dueOf(lane: Lane, nowMs: number): { fetch: Fetch; inMs: number } | undefined {
    const { partition, intake } = lane;
    const missing = intake.missing(lane.head);
    if (!missing) return undefined;
    const size = missing.upTo - missing.after;
    if (missing.kind === 'hole')
      return { fetch: { ...missing, partition, limit: Math.min(size, pageEvents) }, inMs: 0 };
    // Whole pages, once half of what may wait has gone: a page for each event that leaves would be many requests.
    if (!leading || intake.waiting > bufferedEvents / 2) return undefined;
    const dueMs = share?.patienceEndsMs(lane) ?? 0;
    if (!Number.isFinite(dueMs) || (!isOwn(lane) && lane.lookedMs < dueMs)) return undefined;
    return { fetch: { ...missing, partition, limit: pageEvents }, inMs: Math.max(0, dueMs - nowMs) };
  }

  return {
    get log() {
      return log;
    },

    learn(standing, askedMs) {
      moveLanes(standing, askedMs, (intake, position) => intake.skipTo(position));
    },

    restart(standing, askedMs) {
      moveLanes(standing, askedMs, (intake, position) => {
        const moved = position > intake.position;
        intake.restart(position);
        return moved;
      });
    },

    reassign() {
      for (const lane of lanes.values()) {
        lane.broughtUpTo = 0;
        if (share?.assigned && !isOwn(lane)) lane.intake.drop();
      }
    },

    lead(nowMs) {
      leading = true;
      for (const lane of lanes.values()) lane.stirredMs = nowMs;
    },

    resign() {
      leading = false;
      for (const lane of lanes.values()) lane.head = 0;
    },

    mustLook() {
      if (!share) return false;
      if (share.assigned?.size && log === undefined) return true;
      return [...lanes.values()].some((lane) =>
        isOwn(lane) ? isUnsure(lane) : leading && lane.head > lane.intake.position,
      );
    },

    hear({ at, last }, nowMs) {
      for (const [partition, head] of last) {
        const lane = lanes.get(partition)!;
        const { ready } = lane.intake;
        if (head > ready && lane.head <= ready) lane.behindSinceMs = nowMs;
        lane.head = Math.max(lane.head, head);
        lane.mark.note(head, at);
        lane.noteworthy = true;
      }
    },

    admits(partition) {
      const lane = lanes.get(partition);
      return lane !== undefined && !isUnsure(lane) && lane.intake.waiting < bufferedEvents;
    },

    accept(partition, events, nowMs) {
      const lane = lanes.get(partition);
      if (!lane) return 0;
      const fresh = lane.intake.accept(events);
      const last = events.reduce((highest, event) => Math.max(highest, sequenceOf(event)), 0);
      // A transport that only repeats itself is silent about what the owner has; one that catches up is not.
      if (fresh > 0 || last > lane.broughtUpTo) lane.stirredMs = nowMs;
      lane.broughtUpTo = Math.max(lane.broughtUpTo, last);
      return fresh;
    },

    fill: (partition, events) => lanes.get(partition)?.intake.accept(events) ?? 0,

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
      const events: ReceivedEvent[] = [];
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
  behindSinceMs: nowMs,
  stirredMs: nowMs,
  broughtUpTo: 0,
  lookedMs: nowMs,
  noteworthy: false,
});
