import { problem } from '@micromart/http/problem';
import { z } from 'zod';

/** A cursor holds which list it belongs to, and the id behind which its next page begins. Clients pass it on unread. */
const content = z.tuple([z.string(), z.string().regex(/^[!-~]+$/)]);

export const writeCursor = (list: string, after: string): string =>
  Buffer.from(JSON.stringify([list, after])).toString('base64url');

/** Throws `invalid` for what is no cursor, or one of another list (another search, another state). */
export function readCursor(cursor: string, list: string): string {
  const [itsList, after] = decode(cursor) ?? [];
  if (after === undefined || itsList !== list) {
    throw problem('invalid', 'The cursor is not one of this list: begin without it.', {
      errors: [{ path: 'query.cursor', message: 'must be the `next` of an answer to the same question' }],
    });
  }
  return after;
}

function decode(cursor: string): z.output<typeof content> | undefined {
  try {
    return content.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
