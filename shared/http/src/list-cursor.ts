/**
 * Cursors of lists that come in pages. A cursor contains the list it belongs to (its search, order and filters) and the
 * position after which the next page begins, as a JSON array in base64url. To clients it is opaque.
 */
import { z } from 'zod';
import { problem } from './problem.ts';

export type ListCursor<Position extends readonly unknown[]> = {
  write(list: string, position: Position): string;
  /**
   * The position. Throws `invalid` for a text that is no cursor, and for the cursor of another list. A cursor has one
   * spelling: base64url decoders skip foreign characters, so the text is encoded again and compared.
   */
  read(cursor: string, list: string): Position;
};

const MAX_LENGTH = 2_000;
const NOT_OF_THIS_LIST = 'must be `next` of an answer to the same query';

/** The parameter: what such a cursor looks like to clients. */
export const cursorParameter = z
  .string()
  .max(MAX_LENGTH)
  .regex(/^[A-Za-z0-9_-]+$/, NOT_OF_THIS_LIST)
  .meta({
    description: '`next` of the page before',
  });

/** `position` is a tuple of values that survive JSON, such as `z.tuple([z.number(), productId])`. */
export function createListCursor<Position extends readonly unknown[]>(
  position: z.ZodType<Position>,
): ListCursor<Position> {
  const write = (list: string, after: Position): string =>
    Buffer.from(JSON.stringify([list, ...after])).toString('base64url');

  return {
    write,
    read(cursor, list) {
      const [itsList, ...after] = decode(cursor);
      const { data } = position.safeParse(after);
      if (itsList === list && data !== undefined && write(list, data) === cursor) return data;
      throw problem('invalid', 'The cursor does not belong to this list: begin without it.', {
        errors: [{ path: 'query.cursor', message: NOT_OF_THIS_LIST }],
      });
    },
  };
}

const content = z.array(z.unknown());

function decode(cursor: string): readonly unknown[] {
  try {
    return content.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))).data ?? [];
  } catch {
    return [];
  }
}
