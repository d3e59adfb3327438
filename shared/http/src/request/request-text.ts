/** Finds text in a request that no store could keep unchanged; it is refused in any part of the request. */
import { isStorable } from '@micromart/text/storable';
import type { FieldError } from '../problem.ts';

const UNSTORABLE = 'must contain neither NUL nor halves of surrogate pairs';
export const NOT_ASCII = 'must contain only visible ASCII characters, spaces and tabs';
/** The characters that a header should have (RFC 9110, 5.5). The encoding of any others is unknown. */
export const HEADER_TEXT = /^[\t\x20-\x7e]*$/;

export type RequestText = {
  readonly path: Readonly<Record<string, string | readonly string[]>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The parsed JSON. */
  readonly body: unknown;
};

/** One error for each such text; none if all text is storable. */
export function findUnstorable({ path, query, headers, body }: RequestText): FieldError[] {
  const found: FieldError[] = [];
  visit('path', path, found);
  visit('query', query, found);
  visit('body', body, found);
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === 'string' && !HEADER_TEXT.test(value)) {
      found.push({ path: `header.${name}`, message: NOT_ASCII });
    }
  }
  return found;
}

/** Walks names and values. The reading of the body has limited the depth. */
function visit(path: string, value: unknown, found: FieldError[]): void {
  if (typeof value === 'string') {
    if (!isStorable(value)) found.push({ path, message: UNSTORABLE });
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      if (!isStorable(name)) found.push({ path: `${path}.${name}`, message: UNSTORABLE });
      visit(`${path}.${name}`, inner, found);
    }
  }
}
