/**
 * The rules of freshness that the library leaves to its caller, or reads otherwise than RFC 9111. They end in what the
 * library is shown of an answer, `headersToJudge`, from which it then decides rightly.
 */
import type { HttpHeaders } from '@micromart/http/client/http-client';
import type { Directives } from './cache-control.ts';
import { parseHttpDate } from './http-date.ts';

const SECOND_MS = 1_000;
const DELTA_SECONDS = /^\d+$/;

export type ReceivedAnswer = {
  readonly headers: HttpHeaders;
  /** When the request was sent, and when its answer was there; milliseconds since 1970. */
  readonly requestedMs: number;
  readonly receivedMs: number;
};

/**
 * How old an answer was when it came (RFC 9111, 4.2.3): what its `Age` says and the time it was under way, at least as
 * old as its `Date` shows. `Date` counts whole seconds, so it shows no more than all but one.
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

/** Whether only the origin's word makes it usable once it is stale (RFC 9111, 5.2.2.2) or at all (5.2.2.4). */
export const mustBeValidated = (directives: Directives): boolean =>
  directives.has('must-revalidate') || directives.has('no-cache');

/** Whether the origin set a lifetime itself (RFC 9111, 4.2.1), or allows reuse in so many words (5.2.2.9). */
export const isExplicit = (headers: HttpHeaders, directives: Directives): boolean =>
  directives.has('max-age') || directives.has('public') || headers.expires !== undefined;

/**
 * The status that the library is to judge by. It keeps to a list of them, as RFC 7234 did; since RFC 9111 (section 3) an
 * answer of any final status may be stored where the origin says so, but for those a cache has to understand: parts,
 * and what the origin marks so. A 304 is judged by the answer that it stands for.
 */
export function statusForPolicy(status: number, headers: HttpHeaders, directives: Directives): number {
  const mustBeUnderstood = status === 206 || directives.has('must-understand');
  return status === 304 || (isExplicit(headers, directives) && !mustBeUnderstood) ? 200 : status;
}

const DATES = ['date', 'expires', 'last-modified'] as const;
const FLAGS = ['no-store', 'no-cache', 'public'] as const;
const READABLE = /^[\w.+-]+$/;

/**
 * What the library is shown: dates in the form that it reads, and the directives that are its business. It takes
 * `must-revalidate` for "never without asking", and knows nothing that overrules `stale-if-error`; so the first is left
 * out and, where validation is a must, the second too (RFC 9111, 4.2.4). `Pragma` is deprecated (5.4) and not heeded.
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

/** A value that cannot be a number is a lifetime of none (RFC 9111, 4.2.1). */
const seconds = (value: string): string => (READABLE.test(value) ? value : '0');
