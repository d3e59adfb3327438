import { expect, test } from '@jest/globals';
import { createReplacedSource } from './replaced-source.ts';

const create = () => createReplacedSource({ confirmReplacedMs: 1_000 });

test('is certain only when it was concluded twice, a while apart', () => {
  const replaced = create();
  const concluded = [0, 1, 500, 999, 1_000].map((nowMs) => replaced.conclude('heads', nowMs));
  expect(concluded).toEqual([false, false, false, false, true]);
});

test('is forgotten after one good answer', () => {
  const replaced = create();
  replaced.conclude('heads', 0);
  replaced.refute('heads');
  expect(replaced.conclude('heads', 5_000)).toBe(false);
  expect(replaced.conclude('heads', 6_000)).toBe(true);
});

test('counts each request apart: another one neither confirms nor refutes it', () => {
  const replaced = create();
  replaced.conclude('heads', 0);
  expect(replaced.conclude('page of 3', 5_000)).toBe(false);
  replaced.refute('page of 3');
  expect(replaced.conclude('heads', 5_000)).toBe(true);
});
