import { productId } from '@micromart/contracts/product-id';
import { problem } from '@micromart/http/problem';
import { z } from 'zod';
import type { After } from './list.ts';

/** A cursor holds where the next page begins, and which list it belongs to. Clients pass it on unread. */
const content = z.tuple([z.string(), z.number(), productId]);

export const writeCursor = (list: string, { value, productId }: After): string =>
  Buffer.from(JSON.stringify([list, value, productId])).toString('base64url');

/**
 * Throws `invalid` for what is no cursor, or one of another list (another sort, window or limit on `added`). A cursor has
 * one spelling: base64url decoders skip characters that do not belong, so what is read is written again and compared.
 */
export function readCursor(cursor: string, list: string): After {
  const [itsList, value, id] = decode(cursor) ?? [];
  const isOfList = value !== undefined && id !== undefined && itsList === list;
  if (!isOfList || writeCursor(list, { value, productId: id }) !== cursor) {
    throw problem('invalid', 'The cursor is not one of this list: begin without it.', {
      errors: [{ path: 'query.cursor', message: 'must be the `next` of an answer to the same question' }],
    });
  }
  return { value, productId: id };
}

function decode(cursor: string): z.output<typeof content> | undefined {
  try {
    return content.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
