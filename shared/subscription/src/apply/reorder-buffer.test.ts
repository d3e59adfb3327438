import { describe, expect, test } from '@jest/globals';
import type { ReceivedEvent } from '@micromart/events/envelope';
import fc from 'fast-check';
import { testEvent } from '../testing/source.ts';
import { createReorderBuffer, sequenceOf } from './reorder-buffer.ts';

const event = (sequence: number) => testEvent({ partition: 0, sequence });
const sequences = (events: readonly ReceivedEvent[]) => events.map(sequenceOf);

describe('intake', () => {
  test('hands out the next events in order, and leaves out what it had', () => {
    const intake = createReorderBuffer(10);
    expect(intake.accept([event(12), event(11), event(11), event(10), event(3)])).toBe(2);
    expect(sequences(intake.take(10))).toEqual([11, 12]);
    expect(intake.accept([event(11), event(12)])).toBe(0);
    expect(intake.take(10)).toEqual([]);
  });

  test('keeps what lies behind a hole until the hole is filled', () => {
    const intake = createReorderBuffer(0);
    intake.accept([event(1), event(4), event(6)]);
    expect(sequences(intake.take(10))).toEqual([1]);
    expect(intake.missing(9)).toEqual({ kind: 'hole', after: 1, upTo: 3 });
    intake.accept([event(2), event(3)]);
    expect(sequences(intake.take(10))).toEqual([2, 3, 4]);
    expect(intake.missing(9)).toEqual({ kind: 'hole', after: 4, upTo: 5 });
    intake.accept([event(5)]);
    expect(intake.missing(9)).toEqual({ kind: 'tail', after: 6, upTo: 9 });
    expect(intake.missing(6)).toBeUndefined();
  });

  test('gives out again what was taken but not committed, once it is started again', () => {
    const intake = createReorderBuffer(0);
    const events = [1, 2, 3, 4].map(event);
    intake.accept(events);
    const taken = intake.take(3);
    intake.restart(2);
    intake.accept(taken);
    expect(sequences(intake.take(10))).toEqual([3, 4]);
  });

  /** What became of the events 1 to n on their way: each comes 0 to 5 times, moved a little, in small deliveries. */
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

  test('hands out every event once, in order, however they come and whatever fails meanwhile', () => {
    fc.assert(
      fc.property(journey, ({ n, deliveries, take, start, failEvery }) => {
        const intake = createReorderBuffer(start);
        const committed: number[] = [];
        let batches = 0;
        const apply = () => {
          const run = intake.take(take);
          if (run.length === 0) return;
          batches += 1;
          if (batches % failEvery === 0) {
            // Half of it was committed before the failure, and nobody was told.
            const half = run.slice(0, run.length >> 1);
            committed.push(...sequences(half));
            intake.restart(intake.position + half.length);
            intake.accept(run);
            return;
          }
          committed.push(...sequences(run));
          intake.commit(sequenceOf(run.at(-1)!));
        };
        const heal = () => {
          const missing = intake.missing(n);
          if (missing) intake.accept([event(missing.after + 1)]);
        };
        for (const [i, sequence] of deliveries.entries()) {
          intake.accept([event(sequence)]);
          if (i % 3 === 0) heal();
          apply();
        }
        for (let i = 0; intake.position < n && i < 20 * n; i += 1) {
          heal();
          apply();
        }
        expect(committed).toEqual(Array.from({ length: n - start }, (_, i) => start + i + 1));
        expect(intake.buffered).toBe(0);
      }),
    );
  });
});
