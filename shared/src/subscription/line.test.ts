import { describe, expect, test } from '@jest/globals';
import { sequenceOf } from './intake.ts';
import { createLine } from './line.ts';
import { testEvent } from './testing/source.ts';

const limits = { bufferedEvents: 10, pageEvents: 100, graceMs: 5_000 };
const run = (partition: number, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => testEvent({ partition, sequence: from + i }));
const heads = (...last: number[]) => ({ log: 'test-1', at: new Date(1_000), last: new Map(last.entries()) });

/** A line of partitions that stand at 0, at the time 0. */
function openLine(partitions: number, changed = {}) {
  const line = createLine({ ...limits, ...changed });
  const positions = new Map(Array.from({ length: partitions }, (_, partition) => [partition, 0]));
  line.restart({ log: 'test-1', positions }, 0);
  return line;
}

describe('what is to be fetched', () => {
  test('is a hole at once, and only the hole', () => {
    const line = openLine(1);
    line.accept(0, run(0, 4, 6), 100);
    expect(line.due(100).fetches).toEqual([{ kind: 'hole', partition: 0, after: 0, upTo: 3, limit: 3 }]);
  });

  test('is an end that the transport is silent about, once it has been so for the grace', () => {
    const line = openLine(2);
    line.hear(heads(3, 0), 1_000);
    expect(line.due(1_000)).toEqual({ fetches: [], nextMs: 5_000 });
    line.accept(0, run(0, 1, 2), 4_000);
    expect(line.due(8_000)).toEqual({ fetches: [], nextMs: 1_000 });
    expect(line.due(9_000).fetches).toEqual([{ kind: 'tail', partition: 0, after: 2, upTo: 3, limit: 100 }]);
  });

  test('is not put off by a transport that only repeats itself', () => {
    const line = openLine(1);
    line.accept(0, run(0, 1, 2), 500);
    line.hear(heads(3), 1_000);
    line.accept(0, run(0, 1, 2), 5_500);
    expect(line.due(6_000).fetches).toHaveLength(1);
  });

  test('is everything at once without a transport, the emptiest lane first, while there is room', () => {
    const line = openLine(3, { graceMs: 0 });
    line.hear(heads(50, 50, 50), 0);
    line.accept(0, run(0, 1, 5));
    line.accept(1, run(1, 1, 6));
    expect(line.due(0).fetches.map(({ partition, after }) => [partition, after])).toEqual([
      [2, 0],
      [0, 5],
    ]);
  });
});

describe('what is handed out', () => {
  test('comes from another lane first each time, so that none is left out', () => {
    const line = openLine(3);
    for (const partition of [0, 1, 2]) line.accept(partition, run(partition, 1, 9), 0);
    const firsts = [1, 2, 3].map(() => line.take(5)[0]!.partition);
    expect(firsts.sort()).toEqual([0, 1, 2]);
  });

  test('is handed out again from the position that the database tells after a failure', () => {
    const line = openLine(1);
    line.accept(0, run(0, 1, 9), 0);
    const inHand = line.take(6);
    line.restart({ log: 'test-1', positions: new Map([[0, 4]]) }, 0);
    line.accept(0, inHand);
    expect(line.take(100).map(sequenceOf)).toEqual([5, 6, 7, 8, 9]);
  });
});

test('is as of the time of the heads once they are committed, and says so once', () => {
  const line = openLine(1);
  line.hear(heads(2), 0);
  expect(line.notes()).toEqual([{ partition: 0, head: 2, asOf: undefined }]);
  line.accept(0, run(0, 1, 2));
  line.take(2);
  expect(line.notes()).toEqual([]);
  line.commit(0, 2);
  expect(line.notes()).toEqual([{ partition: 0, head: 2, asOf: new Date(1_000) }]);
  expect(line.notes()).toEqual([]);
});
