import type { GroupMember } from './group-consumer.ts';
import type { ReceivedMessage } from './message.ts';

/** What a consumer needs, and the callbacks that it calls; consumer.ts says what it promises. */
export type Consumption = GroupMember & {
  /** How many partitions the topic must have; undefined while that is unknown. */
  partitions(): number | undefined;
  onAssigned(partitions: readonly number[] | undefined): void;
  onMessages(partition: number, messages: readonly ReceivedMessage[], signal: AbortSignal): Promise<void>;
  /** The offset of the first message of a partition that is still needed; undefined while that is unknown. */
  resumeAt(partition: number): string | undefined;
  /** Why it is no member, as one line without secrets; undefined as soon as it is a member again. */
  onState(failure: string | undefined): void;
};
