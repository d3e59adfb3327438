/** A stored answer with its policy, and the variants of one address. */
import type { HttpHeaders } from '@micromart/http/client/http-client';
import type { HttpAnswer } from '@micromart/http/client/send';
import { type Directives, parseCacheControl } from '../rules/cache-control.ts';
import { mustBeValidated } from '../rules/freshness.ts';
import { endToEnd, freshened } from '../rules/headers.ts';
import { type CreatePolicy, type Policy, requestForPolicy } from '../rules/policy.ts';
import { isSelectedBy, type Selecting, selectingHeaders } from '../rules/vary.ts';

export type CacheEntry = {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly text: string;
  readonly directives: Directives;
  readonly selecting: Selecting;
  readonly policy: Policy;
  /** Whether it may answer requests other than the one it came for. */
  readonly reusable: boolean;
};

/** The variants of one address, the newest first. */
export type Variants = readonly CacheEntry[];

/** The parts of a request that decide what may answer it. */
export type ParsedRequest = { readonly headers: HttpHeaders; readonly directives: Directives };

type Times = { readonly requestedMs: number; readonly receivedMs: number };

const MAX_VARIANTS = 8;
/** An estimate for the objects around the texts. */
const BYTES_BESIDES = 2_048;
const NOTHING: Selecting = new Map();

/**
 * Makes an entry. It is reusable if the rules allow it (RFC 9111, section 3), some request can match it (4.1), and it is
 * known to be complete (3.3).
 */
export function createEntry(
  createPolicy: CreatePolicy,
  { status, headers, body, framed }: HttpAnswer,
  request: ParsedRequest,
  times: Times,
): CacheEntry {
  const text = body.toString('utf8');
  return buildEntry(createPolicy, { status, headers: endToEnd(headers), text }, framed, request, times);
}

/** Makes the entry anew after a 304 has updated its headers (RFC 9111, 4.3.4). */
export const freshenEntry = (
  createPolicy: CreatePolicy,
  { status, headers, text }: CacheEntry,
  notModified: HttpAnswer,
  request: ParsedRequest,
  times: Times,
): CacheEntry =>
  buildEntry(
    createPolicy,
    { status, headers: freshened(headers, endToEnd(notModified.headers)), text },
    true,
    request,
    times,
  );

function buildEntry(
  createPolicy: CreatePolicy,
  content: { readonly status: number; readonly headers: HttpHeaders; readonly text: string },
  isWhole: boolean,
  request: ParsedRequest,
  times: Times,
): CacheEntry {
  const directives = parseCacheControl(content.headers['cache-control']);
  const selecting = selectingHeaders(content.headers, request.headers);
  const policy = createPolicy({ ...content, ...times, directives }, request.directives);
  const reusable = isWhole && selecting !== undefined && policy.storable();
  return { ...content, directives, selecting: selecting ?? NOTHING, policy, reusable };
}

/** A 304 to the caller's own condition has no body to store; its lifetime is for the caller. */
export const mayBeStored = ({ reusable, status }: CacheEntry): boolean => reusable && status !== 304;

export const select = (variants: Variants, request: HttpHeaders): CacheEntry | undefined =>
  variants.find(({ selecting }) => isSelectedBy(request, selecting));

/** Replaces the variants that the request selects by this answer, or removes them if it may not be stored. */
export const withVariant = (variants: Variants, request: HttpHeaders, answer: CacheEntry): Variants =>
  [
    ...(mayBeStored(answer) ? [answer] : []),
    ...variants.filter(({ selecting }) => !isSelectedBy(request, selecting)),
  ].slice(0, MAX_VARIANTS);

/**
 * Whether it answers the request without asking the origin (RFC 9111, section 4): it is fresh, and as fresh as the request
 * demands. A stale one does if the request accepts it (`max-stale`) and the owner does not forbid it (4.2.4).
 */
export function satisfies({ policy, directives }: CacheEntry, asked: Directives): boolean {
  const isStale = policy.stale();
  if (asked.size === 0) return !isStale;
  if (refusesStored(asked) || (isStale && mustBeValidated(directives))) return false;
  return policy.satisfiesWithoutRevalidation(requestForPolicy(asked));
}

/** Whether it may be used when the origin fails: it is fresh, or within its `stale-if-error` (RFC 5861, section 4). */
export const mayServeOnError = ({ policy }: CacheEntry, asked: Directives): boolean =>
  !refusesStored(asked) && policy.timeToLive() > 0;

/** `no-cache` demands validation (RFC 9111, 5.2.1.4); a request with `no-store` (5.2.1.5) wants no stored answer either. */
const refusesStored = (asked: Directives): boolean => asked.has('no-cache') || asked.has('no-store');

/** Approximate memory: texts at two bytes a character, headers twice, because the policy has them too. */
export function bytesOf(key: string, variants: Variants): number {
  let characters = key.length;
  for (const { headers, text, selecting } of variants) {
    characters += text.length;
    for (const name in headers) characters += 2 * (name.length + headers[name]!.length);
    for (const [name, value = ''] of selecting) characters += name.length + value.length;
  }
  return 2 * characters + BYTES_BESIDES * variants.length;
}
