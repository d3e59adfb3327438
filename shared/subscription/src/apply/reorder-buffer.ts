/**
 * Puts one partition's deliveries in order, from the position on. Events may come in any order, several times, or not at
 * all; they leave once each, in order, without a gap. Pure: no clock, no I/O.
 *
 *     … applied ] taken, being applied ] ready, without a gap ] hole ] later ones, buffered …
 *               └ position             └ taken                  └ ready
 */
import { dataBytes } from '@micromart/events/data-bytes';
import { isMalformed, type ReceivedEvent } from '@micromart/events/envelope';

/** Events that must be fetched: those after `after` up to and including `upTo`. */
export type Missing = { readonly kind: 'hole' | 'tail'; readonly after: number; readonly upTo: number };

export type ReorderBuffer = {
  /** The last sequence whose effect is committed. */
  readonly position: number;
  /** The last sequence before the first gap. */
  readonly ready: number;
  /** How many events wait to be taken, including those behind a hole. */
  readonly buffered: number;
  /** How many bytes their data takes. */
  readonly bufferedBytes: number;
  /** Adds delivered events and skips duplicates. Returns how many were new. */
  accept(events: readonly ReceivedEvent[]): number;
  /**
   * Removes and returns the next events in order: at most `max`, none beyond the sequence `upTo`, and none after the one with
   * which their data reaches `fullBytes`.
   */
  take(max: number, room?: { upTo?: number; fullBytes?: number }): ReceivedEvent[];
  /** The taken events up to this sequence are committed. */
  commit(sequence: number): void;
  /** Starts again at a position, after a failure: what was taken beyond it is missing again. */
  restart(position: number): void;
  /** Continues from a position to which others have moved. Returns false when that lies at or below what was taken. */
  skipTo(position: number): boolean;
  /** Discards the buffered events: another instance applies them. */
  drop(): void;
  /** The first missing events: later ones are here (a hole), or only the owner has later ones (a tail). */
  missing(head: number): Missing | undefined;
};

export const sequenceOf = (event: ReceivedEvent): number => Number(event.sequence);

type BufferedEvent = { readonly event: ReceivedEvent; readonly bytes: number };

const bytesOf = (event: ReceivedEvent): number => dataBytes(isMalformed(event) ? event.raw : event.data);

export function createReorderBuffer(start: number): ReorderBuffer {
  let position = start;
  let taken = start;
  let ready = start;
  const buffered = new Map<number, BufferedEvent>();
  let bufferedBytes = 0;

  function remove(sequence: number): BufferedEvent {
    const one = buffered.get(sequence)!;
    buffered.delete(sequence);
    bufferedBytes -= one.bytes;
    return one;
  }

  const extendRun = () => {
    while (buffered.has(ready + 1)) ready += 1;
  };

  function restart(at: number) {
    position = at;
    taken = at;
    ready = at;
    for (const sequence of buffered.keys()) if (sequence <= at) remove(sequence);
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
    get bufferedBytes() {
      return bufferedBytes;
    },

    accept(events) {
      const before = buffered.size;
      for (const event of events) {
        const sequence = sequenceOf(event);
        if (sequence <= taken || buffered.has(sequence)) continue;
        const bytes = bytesOf(event);
        buffered.set(sequence, { event, bytes });
        bufferedBytes += bytes;
      }
      extendRun();
      return buffered.size - before;
    },

    take(max, { upTo = Number.POSITIVE_INFINITY, fullBytes = Number.POSITIVE_INFINITY } = {}) {
      const run: ReceivedEvent[] = [];
      let bytes = 0;
      while (taken < Math.min(ready, upTo) && run.length < max && bytes < fullBytes) {
        taken += 1;
        const next = remove(taken);
        run.push(next.event);
        bytes += next.bytes;
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
      bufferedBytes = 0;
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
