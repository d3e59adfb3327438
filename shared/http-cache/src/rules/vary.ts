/** Variants of one address: answers that the origin selected by headers of the request (RFC 9111, 4.1). */
import type { HttpHeaders } from '@micromart/http/client/http-client';

/** The request's values of the headers that `Vary` names; undefined for those it did not have. */
export type Selecting = ReadonlyMap<string, string | undefined>;

/** Undefined for `Vary: *`, which no request matches. The key contains the caller, so `Authorization` selects nothing. */
export function selectingHeaders(answer: HttpHeaders, request: HttpHeaders): Selecting | undefined {
  const names = (answer.vary ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  if (names.includes('*')) return undefined;
  return new Map(
    names
      .filter((name) => name !== '' && name !== 'authorization')
      .map((name) => [name, normalised(request[name])]),
  );
}

export function isSelectedBy(request: HttpHeaders, selecting: Selecting): boolean {
  for (const [name, value] of selecting) if (normalised(request[name]) !== value) return false;
  return true;
}

/** White space around the members of a list has no meaning. */
const normalised = (value: string | undefined): string | undefined => value?.trim().replace(/\s*,\s*/g, ',');
