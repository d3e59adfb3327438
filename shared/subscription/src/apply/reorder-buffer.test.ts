import { describe, expect, test } from '@jest/globals';
import type { ReceivedEvent } from '@micromart/events/envelope';
import fc from 'fast-check';
import { testEvent } from '../testing/source.ts';
import { createReorderBuffer, sequenceOf } from './reorder-buffer.ts';

const event = (sequence: number) => testEvent({ partition: 0, sequence });
const sequences = (events: readonly ReceivedEvent[]) => events.map(sequenceOf);

describe('the reorder buffer', () => {
  test('hands out the next events in order, and skips duplicates', () => {
    const buffer = createReorderBuffer(10);
    expect(buffer.accept([event(12), event(11), event(11), event(10), event(3)])).toBe(2);
    expect(sequences(buffer.take(10))).toEqual([11, 12]);
    expect(buffer.accept([event(11), event(12)])).toBe(0);
    expect(buffer.take(10)).toEqual([]);
  });

  test('keeps the events behind a hole until the hole is filled', () => {
    const buffer = createReorderBuffer(0);
    buffer.accept([event(1), event(4), event(6)]);
    expect(sequences(buffer.take(10))).toEqual([1]);
    expect(buffer.missing(9)).toEqual({ kind: 'hole', after: 1, upTo: 3 });
    buffer.accept([event(2), event(3)]);
    expect(sequences(buffer.take(10))).toEqual([2, 3, 4]);
    expect(buffer.missing(9)).toEqual({ kind: 'hole', after: 4, upTo: 5 });
    buffer.accept([event(5)]);
    expect(buffer.missing(9)).toEqual({ kind: 'tail', after: 6, upTo: 9 });
    expect(buffer.missing(6)).toBeUndefined();
  });

  test('hands out again what was taken but not committed, after a restart', () => {
    const buffer = createReorderBuffer(0);
    const events = [1, 2, 3, 4].map(event);
    buffer.accept(events);
    const taken = buffer.take(3);
    buffer.restart(2);
    buffer.accept(taken);
    expect(sequences(buffer.take(10))).toEqual([3, 4]);
  });

  test('ends what it hands out with the event that fills it, and knows how many bytes it holds', () => {
    const large = (sequence: number) => ({ ...event(sequence), data: 'é'.repeat(49) });
    const buffer = createReorderBuffer(0);
    expect(buffer.bufferedBytes).toBe(0);
    buffer.accept([large(1), large(2), large(2), event(3), large(4), large(6)]);
    expect(buffer.bufferedBytes).toBe(402);
    expect(sequences(buffer.take(10, { fullBytes: 101 }))).toEqual([1, 2]);
    expect(buffer.bufferedBytes).toBe(202);
    expect(sequences(buffer.take(10, { fullBytes: 1 }))).toEqual([3]);
    expect(sequences(buffer.take(10, { fullBytes: 1 }))).toEqual([4]);
    expect(buffer.take(10, { fullBytes: 1 })).toEqual([]);
    expect(buffer.bufferedBytes).toBe(100);
    const fault = {
      partition: 0,
      sequence: '5',
      partitionkey: '',
      raw: 'é'.repeat(49),
      fault: 'no envelope',
    };
    buffer.accept([fault]);
    expect(buffer.bufferedBytes).toBe(200);
    buffer.restart(5);
    expect(buffer.bufferedBytes).toBe(100);
    buffer.drop();
    expect(buffer.bufferedBytes).toBe(0);
  });

  /** The events 1 to n as a network delivers them: each comes 0 to 5 times, a little out of order. */
  const journey = fc.integer({ min: 1, max: 60 }).chain((n) =>
    fc.record({
      n: fc.constant(n),
      deliveries: fc
        .array(fc.record({ times: fc.nat(5), shifts: fc.array(fc.nat(8), { minLength: 5, maxLength: 5 }) }), {
          minLength: n,
          maxLength: n,
        })
        .map((copies) =>
          copies
            .flatMap(({ times, shifts }, i) =>
              shifts.slice(0, times).map((shift) => ({ sequence: i + 1, at: i + shift })),
            )
            .sort((a, b) => a.at - b.at)
            .map(({ sequence }) => sequence),
        ),
      take: fc.integer({ min: 1, max: 7 }),
      start: fc.nat(n),
      failEvery: fc.integer({ min: 2, max: 9 }),
    }),
  );

  test('hands out every event once and in order, however they arrive and whatever fails meanwhile', () => {
    fc.assert(
      fc.property(journey, ({ n, deliveries, take, start, failEvery }) => {
        const buffer = createReorderBuffer(start);
        const committed: number[] = [];
        let batches = 0;
        const apply = () => {
          const run = buffer.take(take);
          if (run.length === 0) return;
          batches += 1;
          if (batches % failEvery === 0) {
            // Half of it was committed before the failure, and the answer was lost.
            const half = run.slice(0, run.length >> 1);
            committed.push(...sequences(half));
            buffer.restart(buffer.position + half.length);
            buffer.accept(run);
            return;
          }
          committed.push(...sequences(run));
          buffer.commit(sequenceOf(run.at(-1)!));
        };
        const heal = () => {
          const missing = buffer.missing(n);
          if (missing) buffer.accept([event(missing.after + 1)]);
        };
        for (const [i, sequence] of deliveries.entries()) {
          buffer.accept([event(sequence)]);
          if (i % 3 === 0) heal();
          apply();
        }
        for (let i = 0; buffer.position < n && i < 20 * n; i += 1) {
          heal();
          apply();
        }
        expect(committed).toEqual(Array.from({ length: n - start }, (_, i) => start + i + 1));
        expect([buffer.buffered, buffer.bufferedBytes]).toEqual([0, 0]);
      }),
    );
  });
});
