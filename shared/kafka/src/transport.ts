/**
 * Kafka as a subscription's transport: a consumer group shares the topic's partitions among the follower's instances. A
 * partition of the topic has the events of the log's partition of the same number.
 *
 * The follower's positions are in its database, so it does not need offsets. Offsets of applied events are committed so that
 * the next member of the group neither reads the whole topic again nor skips events that are still in it. Nothing relies on
 * them: with a wrong offset, after the topic was created again for example, reading starts too early or too late, and the
 * follower handles duplicates and losses.
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
  /** For readiness, optional: without Kafka the events come from the owner's feed. */
  readonly check: Check;
};

/** Creates the transport of one instance. Instances with the same group share the partitions. */
export function createKafkaTransport(member: GroupMember): KafkaTransport {
  const { topic } = member;
  let failure: string | undefined = 'has not joined its group yet';

  return {
    check: {
      name: `kafka ${topic.topic}`,
      optional: true,
      check: async () => ({ ok: failure === undefined, detail: failure }),
    },
    run(handler, signal) {
      const progress = createProgress(handler);
      return consume(
        {
          ...member,
          partitions: () => handler.partitions,
          onState(now) {
            failure = now;
          },
          onAssigned(partitions) {
            progress.forget();
            handler.assign(partitions);
          },
          async onMessages(partition, messages, handling) {
            const { events, unreadable } = readAll(messages);
            if (unreadable > 0) handler.unreadable(unreadable);
            for (const [log, ofLog] of events) await handler.deliver(log, partition, ofLog, handling);
            if (!handling.aborted)
              progress.record(partition, events.get(handler.log ?? ''), messages.at(-1)!.offset);
          },
          resumeAt: progress.resumeAt,
        },
        signal,
      );
    },
  };
}

/** The events among messages, by their log, and how many messages are no events. */
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

/** For each partition, the offset of the first message that is still needed: the one after the applied events. */
function createProgress(handler: Pick<DeliveryHandler, 'position'>) {
  type Progress = { watermark: Watermark<string>; delivered: number; resumeAt: string | undefined };
  const partitions = new Map<number, Progress>();
  return {
    record(partition: number, events: readonly LoggedEvent[] = [], lastOffset: string) {
      const one = partitions.get(partition) ?? {
        watermark: createWatermark(),
        delivered: 0,
        resumeAt: undefined,
      };
      partitions.set(partition, one);
      one.delivered = events.reduce((last, event) => Math.max(last, sequenceOf(event)), one.delivered);
      one.watermark.set(one.delivered, String(BigInt(lastOffset) + 1n));
    },
    resumeAt(partition: number): string | undefined {
      const one = partitions.get(partition);
      if (!one) return undefined;
      one.resumeAt = one.watermark.reached(handler.position(partition)) ?? one.resumeAt;
      return one.resumeAt;
    },
    /** Forgets deliveries before a rebalance: they come again, here or to another member. */
    forget: () => partitions.clear(),
  };
}
