import { expect, test } from '@jest/globals';
import { numberParameters } from './named-parameters.ts';

test('numbers names in the order in which they first appear', () => {
  const { text, valuesOf } = numberParameters('SELECT :b::text[], :a + :b::int FROM t WHERE x = :c');
  expect(text).toBe('SELECT $1::text[], $2 + $1::int FROM t WHERE x = $3');
  expect(valuesOf({ a: 1, b: 2, c: 3 })).toEqual([2, 1, 3]);
});

test('refuses a parameter without a value, and a value without a parameter', () => {
  const { valuesOf } = numberParameters('SELECT :known');
  expect(() => valuesOf({})).toThrow('do not match: known');
  expect(() => valuesOf({ known: 1, other: 2 })).toThrow('do not match: other');
});

test('accepts null as a value', () => {
  expect(numberParameters('SELECT :one').valuesOf({ one: null })).toEqual([null]);
});
