/**
 * A lasting member of a consumer group. It promises:
 *
 * - The members of a group share the topic's partitions. `onAssigned` is called with this member's partitions after every
 *   rebalance, also when they are the same, and with undefined as soon as it is no longer a member.
 * - `onMessages` gets the messages of one partition in the order of their offsets. It is called again for that partition only
 *   after it has resolved, so a slow handler slows the broker's stream down. Partitions are delivered concurrently, but those
 *   of one broker wait for each other's batch, so the handler should accept what it can and resolve. Heartbeats continue
 *   meanwhile. Its signal is aborted when the partition is no longer this member's, or the consumer ends; the handler should
 *   then resolve at once, and some member gets the messages again.
 * - Messages may come again, after a rebalance or an error. Some may never come: the topic was emptied, cut off by its
 *   retention, or created again. The offsets that `resumeAt` returns are committed from time to time, as a hint for the next
 *   member. Without an offset, or with one that points to nothing, it starts at the earliest message.
 * - It never gives up. When anything ends it (an error that the client calls final, a topic that is gone or has a wrong number
 *   of partitions, no heartbeat or fetch for too long), it reports that to `onState`, pauses, and joins again.
 */
import { retryForever } from '@micromart/process/retry';
import type { Consumption } from './consumption.ts';
import { beMember } from './member.ts';
import { createRetryPolicy } from './retry-policy.ts';

/** Consumes until the signal is aborted; never rejects. */
export const consume = (consumption: Consumption, signal: AbortSignal): Promise<void> =>
  retryForever(
    (onJoined) =>
      beMember({ ...consumption, onJoined }, signal).finally(() => consumption.onAssigned(undefined)),
    { ...createRetryPolicy({ ...consumption, doing: `consuming as ${consumption.group}` }), signal },
  );
