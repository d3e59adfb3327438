/** The two ids that a request carries through all services: its request id and its trace (W3C Trace Context, level 1). */
import { randomFillSync, randomUUID } from 'node:crypto';

const REQUEST_ID = /^[A-Za-z0-9._~+/=-]{1,64}$/;
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ALL_ZERO = /^0+$/;

/** The caller's id if it is safe in a log line, or a new one. */
export const requestIdFrom = (header: string | undefined): string =>
  header !== undefined && REQUEST_ID.test(header) ? header : randomUUID();

/**
 * The caller's `traceparent` if it is valid, or a new one. From a version newer than 00 only the part known to version 00
 * is used (Trace Context, 3.2.2).
 */
export function traceparentFrom(header: string | undefined): string {
  const match = header === undefined || header.length > 200 ? undefined : TRACEPARENT.exec(header);
  if (match) {
    const [, version, trace, parent, flags, rest] = match as unknown as string[];
    const known = version === '00' ? rest === undefined : version !== 'ff';
    if (known && !ALL_ZERO.test(trace!) && !ALL_ZERO.test(parent!)) return `00-${trace}-${parent}-${flags}`;
  }
  const drawn = drawHex();
  return `00-${drawn.slice(0, TRACE_LENGTH)}-${drawn.slice(TRACE_LENGTH)}-01`;
}

const TRACE_LENGTH = 32;
const DRAWN_BYTES = 24;
const pool = Buffer.alloc(DRAWN_BYTES * 128);
let used = pool.length;

/** Random digits for a trace and its first span. The bytes are drawn in bulk, because each draw costs a system call. */
function drawHex(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += DRAWN_BYTES;
  return pool.toString('hex', used - DRAWN_BYTES, used);
}
