/**
 * How much a page holds. It ends with the event that fills it: the last that its reader asked for, or the one with which its
 * data reaches `FULL_PAGE_BYTES`. So the events of a page alone say whether it is full, and nothing that is appended later
 * changes a full page (docs/decisions/0020-the-event-that-fills-a-page.md). Bytes are those of data (`dataBytes`).
 */
import { dataBytes } from '@micromart/events/data-bytes';
import type { LoggedEvent } from '@micromart/events/envelope';

/** The most data that an event may have; a log refuses more. A Kafka broker accepts messages of up to a megabyte. */
export const MAX_EVENT_BYTES = 256_000;
/** A page with this much data is full. It may exceed this by less than one event. */
export const FULL_PAGE_BYTES = 1_000_000;
/** The same for a partition's share, when the first events of all partitions are read together. */
export const FULL_SHARE_BYTES = 128_000;

/** Whether a page that was read with this limit can never hold more. */
export const isFullPage = (events: readonly LoggedEvent[], limit: number): boolean =>
  events.length >= limit || totalBytes(events) >= FULL_PAGE_BYTES;

const totalBytes = (events: readonly LoggedEvent[]): number =>
  events.reduce((total, { data }) => total + dataBytes(data), 0);
