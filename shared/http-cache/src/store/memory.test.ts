import { expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { createMemory } from './memory.ts';

const nothing = () => {};

test('returns what was set, and nothing else', () => {
  const memory = createMemory<string>({ maxEntries: 10, maxBytes: 1_000 }, nothing);
  memory.set('__proto__', 'a', 1);
  expect([memory.get('__proto__'), memory.get('constructor')]).toEqual(['a', undefined]);
  expect([memory.entries, memory.bytes]).toEqual([1, 1]);
});

test('evicts first what was used least recently', () => {
  let evicted = 0;
  const memory = createMemory<number>({ maxEntries: 3, maxBytes: 1_000 }, () => {
    evicted += 1;
  });
  for (const key of ['a', 'b', 'c']) memory.set(key, 1, 1);
  memory.get('a');
  memory.set('d', 1, 1);
  expect(['a', 'b', 'c', 'd'].map((key) => memory.get(key))).toEqual([1, undefined, 1, 1]);
  expect(evicted).toBe(1);
});

test('does not store an entry above a quarter of its size, and removes the one it would replace', () => {
  const memory = createMemory<string>({ maxEntries: 10, maxBytes: 100 }, nothing);
  memory.set('a', 'small', 25);
  memory.set('a', 'large', 26);
  expect([memory.get('a'), memory.bytes]).toEqual([undefined, 0]);
});

test('removes all keys with a prefix', () => {
  const memory = createMemory<number>({ maxEntries: 10, maxBytes: 100 }, nothing);
  for (const key of ['a 1', 'a 2', 'b 1']) memory.set(key, 1, 1);
  memory.deleteAll('a ');
  expect([memory.get('a 1'), memory.get('b 1'), memory.bytes]).toEqual([undefined, 1, 1]);
});

test('keeps no iterator of a map, which would hold every table that the map outgrows', () => {
  const iterators = (['keys', 'values', 'entries', Symbol.iterator] as const).map((name) =>
    jest.spyOn(Map.prototype, name),
  );
  const memory = createMemory<number>({ maxEntries: 10, maxBytes: 100 }, nothing);
  for (let n = 0; n < 1_000; n += 1) memory.set(`key ${n % 20}`, n, 1);
  const made = iterators.flatMap(({ mock }) => mock.results);
  for (const one of iterators) one.mockRestore();
  expect(made).toEqual([]);
});

test('never exceeds its limits of entries and bytes, and always counts them right', () => {
  const key = fc.integer({ min: 0, max: 20 }).map(String);
  const size = fc.integer({ min: 0, max: 60 });
  const step = fc.oneof(
    fc.record({ do: fc.constant('set' as const), key, size }),
    fc.record({ do: fc.constant('get' as const), key }),
    fc.record({ do: fc.constant('delete' as const), key }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const memory = createMemory<number>({ maxEntries: 7, maxBytes: 200 }, nothing);
      for (const one of steps) {
        if (one.do === 'set') memory.set(one.key, one.size, one.size);
        else memory[one.do](one.key);
        expect(memory.entries).toBeLessThanOrEqual(7);
        expect(memory.bytes).toBeLessThanOrEqual(200);
      }
      const kept = Array.from({ length: 21 }, (_, n) => memory.get(String(n))).filter(
        (one) => one !== undefined,
      );
      expect(memory.entries).toBe(kept.length);
      expect(memory.bytes).toBe(kept.reduce((sum, one) => sum + one, 0));
    }),
  );
});
