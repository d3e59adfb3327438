import { describe, expect, test } from '@jest/globals';
import { createShare } from '../sources/partition-assignment.ts';
import { testEvent } from '../testing/source.ts';
import { sequenceOf } from './reorder-buffer.ts';
import { createLine } from './subscription-state.ts';

const limits = { bufferedEvents: 10, pageEvents: 100, graceMs: 5_000, awayMs: 2_000 };
const run = (partition: number, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => testEvent({ partition, sequence: from + i }));
const heads = (...last: number[]) => ({ log: 'test-1', at: new Date(1_000), last: new Map(last.entries()) });

const standing = (...positions: number[]) => ({ log: 'test-1', positions: new Map(positions.entries()) });

/** A line of partitions that stand at 0, at the time 0, of an instance that leads and has all of them. */
function openLine(partitions: number) {
  const line = createLine(limits);
  line.learn(standing(...Array(partitions).fill(0)), 0);
  line.lead(0);
  return line;
}

/** The same with a transport, which has assigned these of them. */
function openShared(partitions: number, assigned: readonly number[] | undefined) {
  const share = createShare(limits, 0);
  const line = createLine(limits, share);
  share.assign(assigned, 0);
  line.learn(standing(...Array(partitions).fill(0)), 0);
  line.lead(0);
  return { line, share };
}

describe('what is to be fetched', () => {
  test('is everything at once without a transport, the emptiest lane first, while there is room', () => {
    const line = openLine(3);
    line.hear(heads(50, 50, 50), 0);
    line.fill(0, run(0, 1, 5));
    line.fill(1, run(1, 1, 6));
    expect(line.due(0).fetches.map(({ partition, after }) => [partition, after])).toEqual([
      [2, 0],
      [0, 5],
    ]);
  });

  test('is a hole at once, and only the hole, by whoever has the partition', () => {
    const { line } = openShared(1, [0]);
    line.resign();
    line.accept(0, run(0, 4, 6), 100);
    expect(line.due(100).fetches).toEqual([{ kind: 'hole', partition: 0, after: 0, upTo: 3, limit: 3 }]);
  });

  test('is an end that the transport is silent about, once it has been so for the grace', () => {
    const { line } = openShared(2, [0, 1]);
    line.hear(heads(3, 0), 1_000);
    expect(line.due(1_000)).toEqual({ fetches: [], nextMs: 5_000 });
    line.accept(0, run(0, 1, 2), 4_000);
    expect(line.due(8_000)).toEqual({ fetches: [], nextMs: 1_000 });
    expect(line.due(9_000).fetches).toEqual([{ kind: 'tail', partition: 0, after: 2, upTo: 3, limit: 100 }]);
  });

  test('is not put off by a transport that only repeats itself', () => {
    const { line } = openShared(1, [0]);
    line.accept(0, run(0, 1, 2), 500);
    line.hear(heads(3), 1_000);
    line.accept(0, run(0, 1, 2), 5_500);
    expect(line.due(6_000).fetches).toHaveLength(1);
  });

  test('is nothing where the transport is still catching up with what was fetched', () => {
    const { line } = openShared(1, [0]);
    line.fill(0, run(0, 1, 4));
    line.hear(heads(9), 0);
    line.accept(0, run(0, 1, 2), 4_000);
    line.accept(0, run(0, 3, 4), 8_000);
    expect(line.due(9_000)).toEqual({ fetches: [], nextMs: 4_000 });
  });

  test('is nothing of what waits for room before the door', () => {
    const { line, share } = openShared(2, [0, 1]);
    line.hear(heads(9, 9), 0);
    share.hold();
    expect(line.due(60_000)).toEqual({ fetches: [], nextMs: undefined });
    share.release(60_000);
    expect(line.due(60_000)).toEqual({ fetches: [], nextMs: 5_000 });
  });

  test('is no end by an instance that does not lead', () => {
    const { line } = openShared(1, [0]);
    line.hear(heads(3), 0);
    line.resign();
    expect(line.due(60_000).fetches).toEqual([]);
    line.lead(60_000);
    line.hear(heads(3), 60_000);
    expect(line.due(65_000).fetches).toHaveLength(1);
  });
});

describe("another instance's partition", () => {
  test('is fetched only when the database still says so after the grace', () => {
    const { line } = openShared(1, []);
    line.hear(heads(3), 1_000);
    expect(line.mustLook()).toBe(true);
    expect(line.due(60_000).fetches).toEqual([]);
    line.learn(standing(0), 5_999);
    expect(line.due(60_000).fetches).toEqual([]);
    line.learn(standing(0), 6_000);
    expect(line.due(60_000).fetches).toHaveLength(1);
  });

  test('is left alone as long as it moves, and once it has reached the head', () => {
    const { line } = openShared(1, []);
    line.hear(heads(3), 0);
    line.learn(standing(2), 4_000);
    line.learn(standing(2), 8_999);
    expect(line.due(60_000).fetches).toEqual([]);
    line.learn(standing(3), 10_000);
    expect(line.mustLook()).toBe(false);
    expect(line.due(60_000).fetches).toEqual([]);
    expect(line.notes()).toEqual([{ partition: 0, head: 3, asOf: new Date(1_000) }]);
  });

  test('is fetched without waiting for each event, while there is no place at the transport for some time', () => {
    const { line, share } = openShared(1, [0]);
    line.hear(heads(3), 10_000);
    share.assign(undefined, 10_000);
    line.learn(standing(0), 11_999);
    expect(line.due(60_000).fetches).toEqual([]);
    line.learn(standing(0), 12_000);
    expect(line.due(12_000).fetches).toHaveLength(1);
    line.fill(0, run(0, 1, 3));
    line.hear(heads(4), 20_000);
    expect(line.due(20_000).fetches).toHaveLength(1);
  });
});

describe('a partition that is assigned', () => {
  test('lets nothing in before the database has said where it stands', () => {
    const { line, share } = openShared(2, [0]);
    share.assign([0, 1], 1_000);
    expect([line.mustLook(), line.admits(0), line.admits(1)]).toEqual([true, false, false]);
    line.learn(standing(0, 7), 1_000);
    expect([line.mustLook(), line.admits(0), line.admits(1)]).toEqual([false, true, true]);
    line.accept(1, run(1, 5, 9), 1_001);
    expect(line.take(10).map(sequenceOf)).toEqual([8, 9]);
  });

  test('is not taken back by a look that others have overtaken', () => {
    const { line } = openShared(1, [0]);
    line.accept(0, run(0, 1, 6), 0);
    line.take(4);
    line.learn(standing(2), 1);
    expect(line.take(10).map(sequenceOf)).toEqual([5, 6]);
  });

  test('takes along nothing that waits when it goes to another instance', () => {
    const { line, share } = openShared(2, [0, 1]);
    for (const partition of [0, 1]) line.accept(partition, run(partition, 1, 3), 0);
    share.assign([1], 1);
    line.reassign();
    expect(line.take(10).map(({ partition }) => partition)).toEqual([1, 1, 1]);
  });
});

describe('what is handed out', () => {
  test('comes from another lane first each time, so that none is left out', () => {
    const line = openLine(3);
    for (const partition of [0, 1, 2]) line.fill(partition, run(partition, 1, 9));
    const firsts = [1, 2, 3].map(() => line.take(5)[0]!.partition);
    expect(firsts.sort()).toEqual([0, 1, 2]);
  });

  test('is handed out again from the position that the database tells after a failure', () => {
    const line = openLine(1);
    line.fill(0, run(0, 1, 9));
    const inHand = line.take(6);
    line.restart(standing(4), 0);
    line.fill(0, inHand);
    expect(line.take(100).map(sequenceOf)).toEqual([5, 6, 7, 8, 9]);
  });
});

test('is as of the time of the heads once they are committed, and says so once', () => {
  const line = openLine(1);
  line.hear(heads(2), 0);
  expect(line.notes()).toEqual([{ partition: 0, head: 2, asOf: undefined }]);
  line.fill(0, run(0, 1, 2));
  line.take(2);
  expect(line.notes()).toEqual([]);
  line.commit(0, 2);
  expect(line.notes()).toEqual([{ partition: 0, head: 2, asOf: new Date(1_000) }]);
  expect(line.notes()).toEqual([]);
});
