import type { GroupMember } from './group-consumer.ts';
import type { ReceivedMessage } from './message.ts';

/** What a member of a group is given, and whom it tells; consumer.ts holds the promises. */
export type Consumption = GroupMember & {
  /** How many partitions the topic must have; undefined while nobody knows. */
  partitions(): number | undefined;
  onAssigned(partitions: readonly number[] | undefined): void;
  onMessages(partition: number, messages: readonly ReceivedMessage[], signal: AbortSignal): Promise<void>;
  /** The offset of the first message that is still needed of a partition; undefined while nobody knows. */
  resumeAt(partition: number): string | undefined;
  /** What is wrong now, as one line without secrets; undefined as soon as this is a member again. */
  onState(failure: string | undefined): void;
};
