/**
 * What is stored, and under which ids: the log's own document, the log's events, and the documents whose changes leave events,
 * each with those that have not come to the log yet.
 */
import type { LoggedEvent, NewEvent } from '@micromart/events/envelope';

export const LOG_COLLECTION = 'event_log';
export const EVENTS_COLLECTION = 'event_log_events';
export const LOG_ID = 'log';

/** The log's identity, and each partition's last sequence; readers never read beyond it. */
export type StoredLog = {
  readonly _id: string;
  readonly name: string;
  readonly partitions: number;
  readonly heads: Readonly<Record<string, number>>;
};

/** An event with its id, which it keeps in the log; the log holds no id twice. */
export type Entry = NewEvent & { readonly id: string; readonly traceparent?: string | undefined };

export type StoredEvent = Entry & { readonly _id: string };

export type StoredDocument<State> = {
  readonly _id: string;
  readonly version: number;
  readonly sequence: number;
  readonly state: State;
  /** Values by which the document is found besides its id. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** The marks of its last changes, the newest last. */
  readonly marks: readonly string[];
  /** The events of its last change, while they have not come to the log; `unmoved` finds such documents. */
  readonly pending?: readonly Entry[];
  readonly unmoved?: true;
};

const PARTITION_DIGITS = 4;
const SEQUENCE_DIGITS = 15;

/** An event's id in its collection: its position. The ids of a partition sort as its sequences do. */
export const idOfPosition = (partition: number, sequence: number): string =>
  `${String(partition).padStart(PARTITION_DIGITS, '0')}@${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`;

export function positionOfId(id: string): { partition: number; sequence: number } {
  const [partition, sequence] = id.split('@');
  return { partition: Number(partition), sequence: Number(sequence) };
}

export function toEvent(
  { _id, id, type, subject, key, time, traceparent, data }: StoredEvent,
  source: string,
): LoggedEvent {
  const { partition, sequence } = positionOfId(_id);
  return {
    specversion: '1.0',
    id,
    source,
    type,
    subject,
    time: time.toISOString(),
    datacontenttype: 'application/json',
    partitionkey: key,
    partition,
    sequence: String(sequence),
    ...(traceparent && { traceparent }),
    data,
  };
}
