import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isPassed, type Tombstone, withHeads } from './tombstones.ts';

const PARTITIONS = 3;
const fresh: Tombstone = { key: 'a', partition: 1, sequence: 5, heads: undefined };
const sequences = (...last: number[]) => new Map(last.map((sequence, partition) => [partition, sequence]));

test('waits for the first heads that reach its event, and for no others', () => {
  const early = withHeads(fresh, sequences(9, 4, 9));
  expect(early).toBe(fresh);
  expect(isPassed(early, sequences(9, 9, 9))).toBe(false);
  const complete = withHeads(fresh, sequences(7, 5, 2));
  expect(withHeads(complete, sequences(90, 90, 90))).toBe(complete);
  expect(isPassed(complete, sequences(7, 5, 1))).toBe(false);
  expect(isPassed(complete, sequences(7, 5, 2))).toBe(true);
});

/** What happens to a follower: one more event of a partition is applied, or the heads are read. */
const step = fc.oneof(fc.nat(PARTITIONS - 1), fc.constant('heads' as const));
/** A log: the partition of each event; those of the key come before the one that forgets it. */
const log = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(PARTITIONS - 1), fc.boolean()), { maxLength: 12 }),
    fc.nat(PARTITIONS - 1),
    fc.array(fc.nat(PARTITIONS - 1), { maxLength: 8 }),
  )
  .map(([before, forgets, after]) => [
    ...before.map(([partition, isOfKey]) => ({ partition, kind: isOfKey ? 'key' : 'other' })),
    { partition: forgets, kind: 'forgets' },
    ...after.map((partition) => ({ partition, kind: 'other' })),
  ]);

test('is passed after all older events of every partition, in whatever order they come, and not before', () => {
  fc.assert(
    fc.property(log, fc.array(step, { maxLength: 40 }), (events, steps) => {
      const partitions = Array.from({ length: PARTITIONS }, (_, n) =>
        events.filter(({ partition }) => partition === n),
      );
      const heads = sequences(...partitions.map(({ length }) => length));
      const positions = new Map<number, number>();
      let tombstone: Tombstone | undefined;
      let isGone = false;
      const apply = (partition: number) => {
        const sequence = (positions.get(partition) ?? 0) + 1;
        const event = partitions[partition]![sequence - 1];
        if (!event) return;
        if (event.kind === 'key') expect(isGone).toBe(false);
        if (event.kind === 'forgets') tombstone = { key: 'a', partition, sequence, heads: undefined };
        positions.set(partition, sequence);
      };
      const settle = () => {
        tombstone &&= withHeads(tombstone, heads);
        isGone ||= tombstone !== undefined && isPassed(tombstone, positions);
      };
      for (const one of steps) {
        if (one === 'heads') settle();
        else apply(one);
      }
      for (const { partition } of events) apply(partition);
      settle();
      expect(isGone).toBe(true);
    }),
  );
});
