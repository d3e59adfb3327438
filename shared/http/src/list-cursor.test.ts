import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { createListCursor } from './list-cursor.ts';
import { Problem } from './problem.ts';

const productId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const cursors = createListCursor(z.tuple([z.number(), productId]));

const LIST = '["-added",null,null,0]';

const encoded = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');

/** Texts that decode to a list of three of the right types, and texts that do not. */
const text = fc.string({ unit: 'binary', maxLength: 70 });
const anyText = fc.oneof(
  text,
  fc.constantFrom('\0', '\ud800', 'a\udc00', '', '.', '..', '__proto__', 'tea', 'x'.repeat(65)),
);
const triple = fc.tuple(
  fc.constantFrom(LIST, 'another'),
  fc.oneof(fc.double(), fc.integer(), fc.constant(null), anyText),
  fc.oneof(anyText, fc.integer(), fc.constant(null)),
);
const cursor = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json().map((json) => Buffer.from(json).toString('base64url')),
  triple.map(encoded),
  triple.map((content) => `${encoded(content)}=`),
  triple.map((content) => `!${encoded(content)}`),
);

/** Another spelling that a base64url decoder reads as the same: with padding, or with characters that it skips. */
const respelled = (written: string) =>
  fc.oneof(
    fc.constant(`${written}=`),
    fc
      .tuple(fc.nat({ max: written.length }), fc.constantFrom(' ', '!', '\n', '.', 'é'))
      .map(([at, extra]) => written.slice(0, at) + extra + written.slice(at)),
  );

describe('a cursor', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat()).map((n) => n + 0),
        fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
        (value, id) => {
          expect(cursors.read(cursors.write(LIST, [value, id]), LIST)).toEqual([value, id]);
        },
      ),
    );
  });

  test('of another list is not valid, nor is another spelling of a valid one', () => {
    const invalid = (read: () => unknown) => {
      expect(read).toThrow(expect.objectContaining({ code: 'invalid' }));
    };
    fc.assert(
      fc.property(
        fc.tuple(fc.nat(), fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)).chain((position) => {
          const written = cursors.write(LIST, position);
          return fc.tuple(fc.constant(written), respelled(written));
        }),
        ([written, other]) => {
          invalid(() => cursors.read(written, 'another'));
          invalid(() => cursors.read(other, LIST));
        },
      ),
    );
  });

  test('that is any kind of nonsense is always answered as not valid', () => {
    fc.assert(
      fc.property(cursor, (given) => {
        try {
          const [value, id] = cursors.read(given, LIST);
          expect(Number.isFinite(value) && productId.safeParse(id).success).toBe(true);
          expect(cursors.write(LIST, [value, id])).toBe(given);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          expect(error.code).toBe('invalid');
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
