/**
 * A member of a consumer group that stays one. What it promises to whoever takes its messages:
 *
 * - The members of a group share the topic's partitions. `onAssigned` tells which of them this one has now: again after
 *   every rebalance, also when they are the same ones, and undefined as soon as it is no member any more.
 * - `onMessages` gets the messages of one partition in the order of their offsets, and is not called for that partition
 *   again before it has come back: whoever awaits in it holds the broker's stream back. Partitions are handed over side
 *   by side, but those of one broker wait for each other's batch, so it should take what it can and come back. The group
 *   is kept informed meanwhile, however long that takes. Its signal is aborted when the partition is not this member's
 *   any more, or the work is over; it should then come back at once, and what it was given comes again to somebody.
 * - Messages may come again, after a rebalance or an error, and some may never come: the topic was emptied, cut off by its
 *   retention, or made anew. The offsets that `resumeAt` gives are committed now and then, and tell the next member where
 *   to go on: a hint, no more. Where there is none, or it points to nothing, it goes on at the earliest message there is.
 * - It never gives up: whatever ends it (an error that the client takes for final, a topic that is gone or is not for a log
 *   of so many partitions, no sign of life) is told to `onState`, and after a pause there is a new one.
 */
import type { Consumption } from './consumption.ts';
import { beMember } from './member.ts';
import { keepTrying } from './retry-forever.ts';

/** Consumes until the signal is aborted; never rejects. */
export const consume = (consumption: Consumption, signal: AbortSignal): Promise<void> =>
  keepTrying(
    (onJoined) =>
      beMember({ ...consumption, onJoined }, signal).finally(() => consumption.onAssigned(undefined)),
    { ...consumption, doing: `consuming as ${consumption.group}` },
    signal,
  );
