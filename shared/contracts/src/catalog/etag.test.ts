import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { productId } from '../product-id.ts';
import { productsTag } from './etag.ts';

const products = fc.uniqueArray(
  fc.record({ id: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/), version: fc.nat() }),
  { selector: ({ id }) => id, maxLength: 20 },
);

describe('the tag of a set of products', () => {
  test('is the log and the digest of its lines, sorted', () => {
    const lines = 'a-b@2\na@1\nz@0';
    const digest = createHash('sha256').update(lines).digest('base64url');
    const set = [
      { id: 'z', version: 0 },
      { id: 'a', version: 1 },
      { id: 'a-b', version: 2 },
    ];
    expect(productsTag('catalog-3f2a9c1e', set)).toBe(`catalog-3f2a9c1e.${digest}`);
  });

  test('is the same in any order and with any repetition', () => {
    const shuffled = products.chain((set) =>
      fc.tuple(fc.constant(set), fc.shuffledSubarray(set, { minLength: set.length }), fc.subarray(set)),
    );
    fc.assert(
      fc.property(shuffled, ([set, other, again]) => {
        expect(productsTag('c', [...other, ...again])).toBe(productsTag('c', set));
      }),
    );
  });

  test('differs for another version of any product, for one more product, and for another log', () => {
    fc.assert(
      fc.property(products, fc.nat(), (set, n) => {
        fc.pre(set.length > 0);
        const tag = productsTag('c', set);
        const at = n % set.length;
        const moved = set.map((one, k) => (k === at ? { ...one, version: one.version + 1 } : one));
        expect(productsTag('c', moved)).not.toBe(tag);
        expect(productsTag('c', set.toSpliced(at, 1))).not.toBe(tag);
        expect(productsTag('d', set)).not.toBe(tag);
      }),
    );
  });

  test('contains only characters allowed in an entity tag', () => {
    expect(productId.safeParse('__proto__').success).toBe(true);
    expect(productsTag('catalog-3f2a9c1e', [{ id: '__proto__', version: 1 }])).toMatch(
      /^catalog-3f2a9c1e\.[A-Za-z0-9_-]{43}$/,
    );
  });
});
