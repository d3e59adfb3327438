import { problem } from '@micromart/shared/http/problem';
import { z } from 'zod';
import type { After } from './list.ts';

/** A cursor holds where the next page begins, and which list it belongs to. Clients pass it on unread. */
const content = z.tuple([z.string(), z.number(), z.string()]);

export const writeCursor = (list: string, { value, productId }: After): string =>
  Buffer.from(JSON.stringify([list, value, productId])).toString('base64url');

/** Throws `invalid` for what is no cursor, or one of another list (another sort, window or limit on `added`). */
export function readCursor(cursor: string, list: string): After {
  const [itsList, value, productId] = decode(cursor) ?? [];
  if (value === undefined || productId === undefined || itsList !== list) {
    throw problem('invalid', 'The cursor is not one of this list: begin without it.', {
      errors: [{ path: 'query.cursor', message: 'must be the `next` of an answer to the same question' }],
    });
  }
  return { value, productId };
}

function decode(cursor: string): z.output<typeof content> | undefined {
  try {
    return content.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
