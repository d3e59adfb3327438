import { describe, expect, test } from '@jest/globals';
import { createPartitionAssignment } from '../sources/partition-assignment.ts';
import { testEvent } from '../testing/source.ts';
import { sequenceOf } from './reorder-buffer.ts';
import { createSubscriptionState } from './subscription-state.ts';

const limits = { bufferedEvents: 10, pageEvents: 100, graceMs: 5_000, awayMs: 2_000 };
const run = (partition: number, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => testEvent({ partition, sequence: from + i }));
const heads = (...last: number[]) => ({ log: 'test-1', at: new Date(1_000), last: new Map(last.entries()) });

const standing = (...positions: number[]) => ({ log: 'test-1', positions: new Map(positions.entries()) });

/** A line of partitions that stand at 0, at the time 0, of an instance that leads and has all of them. */
function openLine(partitions: number) {
  const state = createSubscriptionState(limits);
  state.learn(standing(...Array(partitions).fill(0)), 0);
  state.lead(0);
  return state;
}

/** The same with a transport, which has assigned these of them. */
function openShared(partitions: number, assigned: readonly number[] | undefined) {
  const assignment = createPartitionAssignment(limits, 0);
  const state = createSubscriptionState(limits, assignment);
  assignment.assign(assigned, 0);
  state.learn(standing(...Array(partitions).fill(0)), 0);
  state.lead(0);
  return { state, assignment };
}

describe('what is to be fetched', () => {
  test('is everything at once without a transport, the emptiest partition first, while there is room', () => {
    const state = openLine(3);
    state.hear(heads(50, 50, 50), 0);
    state.fill(0, run(0, 1, 5));
    state.fill(1, run(1, 1, 6));
    expect(state.due(0).fetches.map(({ partition, after }) => [partition, after])).toEqual([
      [2, 0],
      [0, 5],
    ]);
  });

  test('is a hole at once, and only the hole, by whoever has the partition', () => {
    const { state } = openShared(1, [0]);
    state.resign();
    state.accept(0, run(0, 4, 6), 100);
    expect(state.due(100).fetches).toEqual([{ kind: 'hole', partition: 0, after: 0, upTo: 3, limit: 3 }]);
  });

  test('is an end that the transport is silent about, once it has been so for the grace', () => {
    const { state } = openShared(2, [0, 1]);
    state.hear(heads(3, 0), 1_000);
    expect(state.due(1_000)).toEqual({ fetches: [], nextMs: 5_000 });
    state.accept(0, run(0, 1, 2), 4_000);
    expect(state.due(8_000)).toEqual({ fetches: [], nextMs: 1_000 });
    expect(state.due(9_000).fetches).toEqual([{ kind: 'tail', partition: 0, after: 2, upTo: 3, limit: 100 }]);
  });

  test('is not put off by a transport that only repeats itself', () => {
    const { state } = openShared(1, [0]);
    state.accept(0, run(0, 1, 2), 500);
    state.hear(heads(3), 1_000);
    state.accept(0, run(0, 1, 2), 5_500);
    expect(state.due(6_000).fetches).toHaveLength(1);
  });

  test('is nothing where the transport is still catching up with what was fetched', () => {
    const { state } = openShared(1, [0]);
    state.fill(0, run(0, 1, 4));
    state.hear(heads(9), 0);
    state.accept(0, run(0, 1, 2), 4_000);
    state.accept(0, run(0, 3, 4), 8_000);
    expect(state.due(9_000)).toEqual({ fetches: [], nextMs: 4_000 });
  });

  test('is nothing of what waits for room before the door', () => {
    const { state, assignment } = openShared(2, [0, 1]);
    state.hear(heads(9, 9), 0);
    assignment.hold();
    expect(state.due(60_000)).toEqual({ fetches: [], nextMs: undefined });
    assignment.release(60_000);
    expect(state.due(60_000)).toEqual({ fetches: [], nextMs: 5_000 });
  });

  test('is no end by an instance that does not lead', () => {
    const { state } = openShared(1, [0]);
    state.hear(heads(3), 0);
    state.resign();
    expect(state.due(60_000).fetches).toEqual([]);
    state.lead(60_000);
    state.hear(heads(3), 60_000);
    expect(state.due(65_000).fetches).toHaveLength(1);
  });
});

describe("another instance's partition", () => {
  test('is fetched only when the database still says so after the grace', () => {
    const { state } = openShared(1, []);
    state.hear(heads(3), 1_000);
    expect(state.mustRefresh()).toBe(true);
    expect(state.due(60_000).fetches).toEqual([]);
    state.learn(standing(0), 5_999);
    expect(state.due(60_000).fetches).toEqual([]);
    state.learn(standing(0), 6_000);
    expect(state.due(60_000).fetches).toHaveLength(1);
  });

  test('is left alone as long as it moves, and once it has reached the head', () => {
    const { state } = openShared(1, []);
    state.hear(heads(3), 0);
    state.learn(standing(2), 4_000);
    state.learn(standing(2), 8_999);
    expect(state.due(60_000).fetches).toEqual([]);
    state.learn(standing(3), 10_000);
    expect(state.mustRefresh()).toBe(false);
    expect(state.due(60_000).fetches).toEqual([]);
    expect(state.takeCheckpointMetadata()).toEqual([{ partition: 0, head: 3, asOf: new Date(1_000) }]);
  });

  test('is fetched without waiting for each event, while there is no place at the transport for some time', () => {
    const { state, assignment } = openShared(1, [0]);
    state.hear(heads(3), 10_000);
    assignment.assign(undefined, 10_000);
    state.learn(standing(0), 11_999);
    expect(state.due(60_000).fetches).toEqual([]);
    state.learn(standing(0), 12_000);
    expect(state.due(12_000).fetches).toHaveLength(1);
    state.fill(0, run(0, 1, 3));
    state.hear(heads(4), 20_000);
    expect(state.due(20_000).fetches).toHaveLength(1);
  });
});

describe('a partition that is assigned', () => {
  test('lets nothing in before the database has said where it stands', () => {
    const { state, assignment } = openShared(2, [0]);
    assignment.assign([0, 1], 1_000);
    expect([state.mustRefresh(), state.admits(0), state.admits(1)]).toEqual([true, false, false]);
    state.learn(standing(0, 7), 1_000);
    expect([state.mustRefresh(), state.admits(0), state.admits(1)]).toEqual([false, true, true]);
    state.accept(1, run(1, 5, 9), 1_001);
    expect(state.take(10).map(sequenceOf)).toEqual([8, 9]);
  });

  test('is not taken back by a look that others have overtaken', () => {
    const { state } = openShared(1, [0]);
    state.accept(0, run(0, 1, 6), 0);
    state.take(4);
    state.learn(standing(2), 1);
    expect(state.take(10).map(sequenceOf)).toEqual([5, 6]);
  });

  test('takes along nothing that waits when it goes to another instance', () => {
    const { state, assignment } = openShared(2, [0, 1]);
    for (const partition of [0, 1]) state.accept(partition, run(partition, 1, 3), 0);
    assignment.assign([1], 1);
    state.reassign();
    expect(state.take(10).map(({ partition }) => partition)).toEqual([1, 1, 1]);
  });
});

describe('what is handed out', () => {
  test('comes from another partition first each time, so that none is left out', () => {
    const state = openLine(3);
    for (const partition of [0, 1, 2]) state.fill(partition, run(partition, 1, 9));
    const firsts = [1, 2, 3].map(() => state.take(5)[0]!.partition);
    expect(firsts.sort()).toEqual([0, 1, 2]);
  });

  test('is handed out again from the position that the database tells after a failure', () => {
    const state = openLine(1);
    state.fill(0, run(0, 1, 9));
    const inHand = state.take(6);
    state.restart(standing(4), 0);
    state.fill(0, inHand);
    expect(state.take(100).map(sequenceOf)).toEqual([5, 6, 7, 8, 9]);
  });
});

test('is as of the time of the heads once they are committed, and says so once', () => {
  const state = openLine(1);
  state.hear(heads(2), 0);
  expect(state.takeCheckpointMetadata()).toEqual([{ partition: 0, head: 2, asOf: undefined }]);
  state.fill(0, run(0, 1, 2));
  state.take(2);
  expect(state.takeCheckpointMetadata()).toEqual([]);
  state.commit(0, 2);
  expect(state.takeCheckpointMetadata()).toEqual([{ partition: 0, head: 2, asOf: new Date(1_000) }]);
  expect(state.takeCheckpointMetadata()).toEqual([]);
});
