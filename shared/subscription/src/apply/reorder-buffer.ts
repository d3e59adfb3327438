/**
 * Sorts out one partition's deliveries against the position. Events may come in any order, several times, or not at all;
 * they leave once each, in order, without a gap. Pure: no clock, no I/O.
 *
 *     … applied ] taken, being applied ] ready, an unbroken run ] hole ] later ones, waiting …
 *               └ position             └ taken                  └ ready
 */
import type { ReceivedEvent } from '@micromart/events/envelope';

/** Events that are to be fetched: those after `after` up to and including `upTo`. */
export type Missing = { readonly kind: 'hole' | 'tail'; readonly after: number; readonly upTo: number };

export type ReorderBuffer = {
  /** The last sequence whose effect is committed. */
  readonly position: number;
  /** The last sequence of the unbroken run from the position on. */
  readonly ready: number;
  /** How many events wait to be taken, those behind a hole among them. */
  readonly buffered: number;
  /** Takes in what has come; gives how many of them it did not have yet. Duplicates are left out. */
  accept(events: readonly ReceivedEvent[]): number;
  /** Hands out the next events in order, at most `max`. */
  take(max: number): ReceivedEvent[];
  /** What was taken up to here is committed. */
  commit(sequence: number): void;
  /** Starts again at a position, after a failure: what was taken counts as not had. */
  restart(position: number): void;
  /** Goes on from a position to which others have moved; false when it lies no further than what was taken. */
  skipTo(position: number): boolean;
  /** Forgets what waits: somebody else sees to it. */
  drop(): void;
  /** The first events that are not there although later ones are (a hole), or although the owner has them (a tail). */
  missing(head: number): Missing | undefined;
};

export const sequenceOf = (event: ReceivedEvent): number => Number(event.sequence);

export function createReorderBuffer(start: number): ReorderBuffer {
  let position = start;
  let taken = start;
  let ready = start;
  const buffered = new Map<number, ReceivedEvent>();

  const extendRun = () => {
    while (buffered.has(ready + 1)) ready += 1;
  };

  function restart(at: number) {
    position = at;
    taken = at;
    ready = at;
    for (const sequence of buffered.keys()) if (sequence <= at) buffered.delete(sequence);
    extendRun();
  }

  return {
    get position() {
      return position;
    },
    get ready() {
      return ready;
    },
    get buffered() {
      return buffered.size;
    },

    accept(events) {
      const before = buffered.size;
      for (const event of events) {
        const sequence = sequenceOf(event);
        if (sequence > taken && !buffered.has(sequence)) buffered.set(sequence, event);
      }
      extendRun();
      return buffered.size - before;
    },

    take(max) {
      const run: ReceivedEvent[] = [];
      while (taken < ready && run.length < max) {
        taken += 1;
        run.push(buffered.get(taken)!);
        buffered.delete(taken);
      }
      return run;
    },

    commit(sequence) {
      position = sequence;
    },

    restart,

    skipTo(at) {
      if (at <= taken) return false;
      restart(at);
      return true;
    },

    drop() {
      buffered.clear();
      ready = taken;
    },

    missing(head) {
      const behindAHole = buffered.size - (ready - taken);
      if (behindAHole === 0) return head > ready ? { kind: 'tail', after: ready, upTo: head } : undefined;
      let next = Number.POSITIVE_INFINITY;
      for (const sequence of buffered.keys()) if (sequence > ready && sequence < next) next = sequence;
      return { kind: 'hole', after: ready, upTo: next - 1 };
    },
  };
}
