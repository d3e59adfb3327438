/**
 * The rules of freshness that the library leaves to its caller, or reads differently from RFC 9111. `headersForPolicy`
 * changes an answer's headers so that the library decides correctly.
 */
import type { HttpHeaders } from '@micromart/http/client/http-client';
import type { Directives } from './cache-control.ts';
import { parseHttpDate } from './http-date.ts';

const SECOND_MS = 1_000;
const DELTA_SECONDS = /^\d+$/;

export type ReceivedAnswer = {
  readonly headers: HttpHeaders;
  /** When the request was sent, and when its answer had arrived; milliseconds since 1970. */
  readonly requestedMs: number;
  readonly receivedMs: number;
};

/**
 * The age of an answer on arrival, in milliseconds (RFC 9111, 4.2.3): its `Age` plus the time since the request, or what its
 * `Date` shows if that is more. `Date` counts whole seconds, so up to one second of its difference proves nothing.
 */
export function initialAgeMs({ headers, requestedMs, receivedMs }: ReceivedAnswer): number {
  const sentMs = parseHttpDate(headers.date, receivedMs);
  const apparentMs = Number.isNaN(sentMs) ? 0 : receivedMs - sentMs - SECOND_MS;
  const saidMs = hasReadableAge(headers) ? Number(headers.age ?? 0) * SECOND_MS : 0;
  return Math.max(0, apparentMs, saidMs + receivedMs - requestedMs);
}

/**
 * Whether the age can be known: there is no `Age`, or it is one number of seconds (RFC 9111, 1.2.2 and 5.1). Otherwise
 * the answer may be of any age and is not fresh.
 */
export const hasReadableAge = ({ age }: HttpHeaders): boolean => age === undefined || DELTA_SECONDS.test(age);

/** Whether it needs validation once it is stale (RFC 9111, 5.2.2.2) or always (5.2.2.4). */
export const mustBeValidated = (directives: Directives): boolean =>
  directives.has('must-revalidate') || directives.has('no-cache');

/** Whether the origin set a lifetime (RFC 9111, 4.2.1), or allows reuse explicitly (5.2.2.9). */
export const isExplicit = (headers: HttpHeaders, directives: Directives): boolean =>
  directives.has('max-age') || directives.has('public') || headers.expires !== undefined;

/**
 * The status for the library. It knows a fixed list, as in RFC 7234. By RFC 9111 (section 3) an answer of any final status
 * may be stored if the origin allows it, except those that a cache must understand: partial content, and answers marked
 * `must-understand`. A 304 counts as the answer that it renews.
 */
export function statusForPolicy(status: number, headers: HttpHeaders, directives: Directives): number {
  const mustBeUnderstood = status === 206 || directives.has('must-understand');
  return status === 304 || (isExplicit(headers, directives) && !mustBeUnderstood) ? 200 : status;
}

const DATES = ['date', 'expires', 'last-modified'] as const;
const FLAGS = ['no-store', 'no-cache', 'public'] as const;
const READABLE = /^[\w.+-]+$/;

/**
 * The headers for the library: dates in the form that it reads, and the directives that it should decide. It reads
 * `must-revalidate` as "always validate", so that is left out. It knows nothing that overrides `stale-if-error`, so that is
 * left out when validation is required (RFC 9111, 4.2.4). `Pragma` is deprecated (5.4) and ignored.
 */
export function headersForPolicy(
  { headers, receivedMs }: ReceivedAnswer,
  directives: Directives,
): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const name of DATES) {
    const text = headers[name];
    const ms = parseHttpDate(text, receivedMs);
    if (text !== undefined) shown[name] = Number.isNaN(ms) ? text : new Date(ms).toUTCString();
  }
  const allowed: string[] = FLAGS.filter((name) => directives.has(name));
  if (!hasReadableAge(headers)) allowed.push('max-age=0');
  else if (directives.has('max-age')) allowed.push(`max-age=${seconds(directives.get('max-age')!)}`);
  if (directives.has('stale-if-error') && !mustBeValidated(directives))
    allowed.push(`stale-if-error=${seconds(directives.get('stale-if-error')!)}`);
  return { ...shown, 'cache-control': allowed.join(', ') };
}

/** A value that is no number means a lifetime of zero (RFC 9111, 4.2.1). */
const seconds = (value: string): string => (READABLE.test(value) ? value : '0');
