/**
 * An event as a Kafka message: CloudEvents in structured mode (Kafka protocol binding for CloudEvents 1.0, section 3.3). Our
 * own headers hold the event's position: the log, which is no part of the event, and partition and sequence, for tools that
 * show headers without reading values.
 */
import { envelope, type LoggedEvent } from '@micromart/events/envelope';
import { isLogName } from '@micromart/events/position';

const CONTENT_TYPE = 'application/cloudevents+json';

export type PublishedMessage = {
  readonly key: string;
  readonly value: string;
  readonly headers: { readonly [name: string]: string };
};

export type ReceivedMessage = {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: { readonly [name: string]: Buffer | string | (Buffer | string)[] | undefined };
  /** A decimal number. Offsets grow, but need not be dense. */
  readonly offset: string;
};

/** The message of an event of `log`, with the event's key. */
export const messageOf = (log: string, event: LoggedEvent): PublishedMessage => ({
  key: event.partitionkey,
  value: JSON.stringify(event),
  headers: {
    'content-type': CONTENT_TYPE,
    log,
    partition: String(event.partition),
    sequence: event.sequence,
  },
});

/** The event in a message, and its log; undefined for a message that is no event of ours. */
export function readMessage({
  value,
  headers,
}: ReceivedMessage): { log: string; event: LoggedEvent } | undefined {
  const log = String(headers?.log ?? '');
  if (!value || !isLogName(log)) return undefined;
  const event = envelope.safeParse(parseJson(value.toString()));
  return event.success ? { log, event: event.data } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Divides messages into batches, in their order, each of at most `maxMessages` and `maxBytes` (keys and values as UTF-8). A
 * message that is larger than `maxBytes` has a batch of its own.
 */
export function inBatches(
  messages: readonly PublishedMessage[],
  { maxMessages, maxBytes }: { maxMessages: number; maxBytes: number },
): PublishedMessage[][] {
  const batches: PublishedMessage[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = Buffer.byteLength(message.key) + Buffer.byteLength(message.value);
    const last = batches.at(-1);
    if (last && last.length < maxMessages && bytes + size <= maxBytes) {
      last.push(message);
      bytes += size;
    } else {
      batches.push([message]);
      bytes = size;
    }
  }
  return batches;
}
