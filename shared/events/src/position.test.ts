import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AFTER_LIST, formatAfter, formatPosition, POSITION, parseAfter, parsePosition } from './position.ts';

const sequence = fc.integer({ min: 0, max: 10 ** 15 - 1 });
const partition = fc.integer({ min: 0, max: 9999 });
const log = fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/);

test('reads back every position that it writes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ log, partition, sequence }), { minLength: 1, maxLength: 50 }),
      (places) => {
        expect(parsePosition(formatPosition(places))).toEqual(places);
      },
    ),
  );
});

test('reads back every set of sequences that it writes', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(partition, sequence), { minLength: 1, selector: ([n]) => n }),
      (pairs) => {
        expect(parseAfter(formatAfter(new Map(pairs)))).toEqual(new Map(pairs));
      },
    ),
  );
});

test.each([
  '',
  ' ',
  'cart-1/0',
  'cart-1/0@',
  'cart-1/0@-1',
  'cart-1/0@1.5',
  '/0@1',
  'Cart/0@1',
  'cart-1/0@1,',
  'x',
])('does not take %j for a position', (text) => {
  expect(parsePosition(text)).toBeUndefined();
});

test('reads a position with or without blanks after its commas', () => {
  expect(parsePosition('cart-1/0@1,cart-1/2@3')).toEqual(parsePosition('cart-1/0@1, cart-1/2@3'));
});

/** Lists with a little too much, too little or something else between and around their parts. */
const nearlyList = (part: string) =>
  fc
    .array(fc.constantFrom(part, part, ',', ',', ' ', '\t', '\n', '\u00a0', ''), { maxLength: 8 })
    .map((parts) => parts.join(''));

test('reads exactly what has the declared form', () => {
  fc.assert(
    fc.property(nearlyList('cart-1/0@1'), (text) => {
      expect([text, parsePosition(text) !== undefined]).toEqual([text, POSITION.test(text)]);
    }),
    { examples: [['cart-1/0@1,\tcart-1/2@3']] },
  );
  fc.assert(
    fc.property(nearlyList('P@7'), (text) => {
      let partition = 0;
      // Each partition once.
      const list = text.replaceAll('P', () => String(partition++));
      expect([list, parseAfter(list) !== undefined]).toEqual([list, AFTER_LIST.test(list)]);
    }),
  );
});

test('refuses more than a thousand entries, and a repeated partition', () => {
  expect(parsePosition(Array(1001).fill('cart-1/0@1').join(','))).toBeUndefined();
  expect(parseAfter('1@1,1@2')).toBeUndefined();
});
