import { describe, expect, test } from '@jest/globals';
import { isProductId } from '@micromart/contracts/product-id';
import { Problem } from '@micromart/http/problem';
import fc from 'fast-check';
import { readCursor, writeCursor } from './list-cursor.ts';

const LIST = '["-added",null,null,0]';

const encoded = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');

/** Whatever decodes to a list of three of the right types, and whatever does not. */
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

describe('a cursor', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat()).map((n) => n + 0),
        fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
        (value, productId) => {
          expect(readCursor(writeCursor(LIST, { value, productId }), LIST)).toEqual({ value, productId });
        },
      ),
    );
  });

  test('that is nonsense, in whatever way, is not valid, and never anything else', () => {
    fc.assert(
      fc.property(cursor, (given) => {
        try {
          const { value, productId } = readCursor(given, LIST);
          expect(Number.isFinite(value) && isProductId(productId)).toBe(true);
          expect(writeCursor(LIST, { value, productId })).toBe(given);
        } catch (error) {
          if (!(error instanceof Problem)) throw error;
          expect(error.code).toBe('invalid');
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
