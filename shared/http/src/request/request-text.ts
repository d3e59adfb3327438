/** Finds the text in a request that is refused whatever it is meant for: what no store keeps as it came. */
import { isStorable } from '@micromart/text/storable';
import type { FieldError } from '../problem.ts';

const UNSTORABLE = 'must hold neither NUL nor halves of surrogate pairs';
const NOT_ASCII = 'must hold visible ASCII characters, spaces and tabs only';
/** The characters that a header should have (RFC 9110, 5.5); of others nobody can say in which encoding they are. */
const HEADER_TEXT = /^[\t\x20-\x7e]*$/;

export type RequestText = {
  readonly path: Readonly<Record<string, string | readonly string[]>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, unknown>>;
  /** As JSON was parsed. */
  readonly body: unknown;
};

/** Every place with such text in it; none when all is well. */
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

/** Goes through names and values; how deep, the reading of the body has bounded. */
function visit(place: string, value: unknown, found: FieldError[]): void {
  if (typeof value === 'string') {
    if (!isStorable(value)) found.push({ path: place, message: UNSTORABLE });
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      if (!isStorable(name)) found.push({ path: `${place}.${name}`, message: UNSTORABLE });
      visit(`${place}.${name}`, inner, found);
    }
  }
}
