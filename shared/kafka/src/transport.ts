/**
 * Events by Kafka, as a subscription's transport: a consumer group shares the topic's partitions, which are the log's of
 * the same number, among the follower's instances.
 *
 * Offsets mean nothing to the follower, whose positions are in its database. They are committed for what is applied, so
 * that whoever goes on begins there, and neither reads everything again nor leaves to the feed what is still in the topic.
 * Nothing depends on it: an offset that is wrong, because the topic was made anew, begins too early or too late, which is
 * a duplicate or a loss like any other.
 */
import type { LoggedEvent } from '@micromart/events/envelope';
import type { Check } from '@micromart/http/health';
import { sequenceOf } from '@micromart/subscription/apply/reorder-buffer';
import { createWatermark, type Watermark } from '@micromart/subscription/apply/watermark';
import type { DeliveryHandler, Transport } from '@micromart/subscription/sources/event-source';
import { consume } from './consumer.ts';
import type { GroupMember } from './group-consumer.ts';
import { type ReceivedMessage, readMessage } from './message.ts';

export type KafkaTransport = Transport & {
  /** For readiness: without Kafka the owner's feed brings the events. */
  readonly check: Check;
};

/** The instances that name the same group share the partitions. */
export function createKafkaTransport(member: GroupMember): KafkaTransport {
  const { topic } = member;
  let failure: string | undefined = 'has not joined its group yet';

  return {
    check: {
      name: `kafka ${topic.topic}`,
      optional: true,
      check: async () => ({ ok: failure === undefined, detail: failure }),
    },
    run(place, signal) {
      const progress = createProgress(place);
      return consume(
        {
          ...member,
          partitions: () => place.partitions,
          onState(now) {
            failure = now;
          },
          onAssigned(partitions) {
            progress.forget();
            place.assign(partitions);
          },
          async onMessages(partition, messages, taking) {
            const { events, unreadable } = readAll(messages);
            if (unreadable > 0) place.unreadable(unreadable);
            for (const [log, ofLog] of events) await place.deliver(log, partition, ofLog, taking);
            if (!taking.aborted)
              progress.note(partition, events.get(place.log ?? ''), messages.at(-1)!.offset);
          },
          resumeAt: progress.resumeAt,
        },
        signal,
      );
    },
  };
}

/** The events among messages, by their log, and how many are none. */
function readAll(messages: readonly ReceivedMessage[]) {
  const events = new Map<string, LoggedEvent[]>();
  let unreadable = 0;
  for (const message of messages) {
    const read = readMessage(message);
    if (!read) unreadable += 1;
    else if (events.has(read.log)) events.get(read.log)!.push(read.event);
    else events.set(read.log, [read.event]);
  }
  return { events, unreadable };
}

/** Which offset of each partition is the first that is still needed: the one after what was delivered and is applied. */
function createProgress(place: Pick<DeliveryHandler, 'position'>) {
  type Progress = { mark: Watermark<string>; delivered: number; resumeAt: string | undefined };
  const partitions = new Map<number, Progress>();
  return {
    note(partition: number, events: readonly LoggedEvent[] = [], lastOffset: string) {
      const one = partitions.get(partition) ?? { mark: createWatermark(), delivered: 0, resumeAt: undefined };
      partitions.set(partition, one);
      one.delivered = events.reduce((last, event) => Math.max(last, sequenceOf(event)), one.delivered);
      one.mark.set(one.delivered, String(BigInt(lastOffset) + 1n));
    },
    resumeAt(partition: number): string | undefined {
      const one = partitions.get(partition);
      if (!one) return undefined;
      one.resumeAt = one.mark.reached(place.position(partition)) ?? one.resumeAt;
      return one.resumeAt;
    },
    /** What was delivered before a rebalance comes again, or to somebody else. */
    forget: () => partitions.clear(),
  };
}
