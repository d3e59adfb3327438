import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { partitionOf } from './partition.ts';

// Test vectors of draft-eastlake-fnv, 32-bit FNV-1a.
test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('hashes %j as 32-bit FNV-1a does', (key, hash) => {
  expect(partitionOf(key, 2 ** 32)).toBe(hash);
});

test('hashes the UTF-8 of a key, not its code units', () => {
  expect(partitionOf('é', 2 ** 32)).toBe(0x1e9de8c1);
});

test('assigns every key to one of the partitions', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (key, partitions) => {
      const partition = partitionOf(key, partitions);
      return Number.isInteger(partition) && partition >= 0 && partition < partitions;
    }),
  );
});
