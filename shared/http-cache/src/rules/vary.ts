/** Variants of one address: answers that the origin chose by headers of the request (RFC 9111, 4.1). */
import type { HttpHeaders } from '@micromart/http/client/http-client';

/** What the request had in the headers that its answer names in `Vary`; undefined where it had none. */
export type Selecting = ReadonlyMap<string, string | undefined>;

/** Of `Vary: *`, which no request matches, undefined. Who asks is part of the key, so `Authorization` selects nothing. */
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

/** White space around the members of a list says nothing. */
const normalised = (value: string | undefined): string | undefined => value?.trim().replace(/\s*,\s*/g, ',');
