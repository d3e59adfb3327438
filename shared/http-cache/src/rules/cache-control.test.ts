import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatCacheControl, parseCacheControl } from './cache-control.ts';

test.each([
  ['private, max-age=3600', { private: '', 'max-age': '3600' }],
  ['Max-Age=60,NO-STORE', { 'max-age': '60', 'no-store': '' }],
  ['max-age="60"', { 'max-age': '60' }],
  ['x="max-age=3600, public", max-age=1', { x: 'max-age=3600, public', 'max-age': '1' }],
  ['max-age=1, max-age=3600', { 'max-age': '1' }],
  ['max-age =60', { 'max-age': '' }],
  ['max-age= 60', { 'max-age': '' }],
  ['no-store;x', { 'no-store': '' }],
  [' , ,, =5, "x"', {}],
  ['x="never closed, max-age=60', { x: '' }],
])('reads %j', (header, expected) => {
  expect(Object.fromEntries(parseCacheControl(header))).toEqual(expected);
});

test('reads a missing header as no directives', () => {
  expect(parseCacheControl(undefined).size).toBe(0);
});

test('reads what it wrote', () => {
  const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
  fc.assert(
    fc.property(fc.dictionary(token, fc.oneof(token, fc.constant(''))), (directives) => {
      const map = new Map(Object.entries(directives));
      expect(parseCacheControl(formatCacheControl(map))).toEqual(map);
    }),
  );
});

test('reads any text, in time proportional to its length', () => {
  const hostile = fc.stringMatching(/^["\\,=a ]{0,2000}$/);
  fc.assert(fc.property(fc.oneof(fc.string(), hostile), (header) => parseCacheControl(header).size >= 0));
});
