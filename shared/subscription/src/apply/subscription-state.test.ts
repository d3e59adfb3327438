import { describe, expect, test } from '@jest/globals';
import { createPartitionAssignment } from '../sources/partition-assignment.ts';
import { testEvent } from '../testing/source.ts';
import { sequenceOf } from './reorder-buffer.ts';
import { createSubscriptionState } from './subscription-state.ts';

const limits = {
  bufferedEvents: 10,
  bufferedBytes: 1_000,
  pageEvents: 100,
  graceMs: 5_000,
  unassignedMs: 2_000,
};
const run = (partition: number, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => testEvent({ partition, sequence: from + i }));
const heads = (...last: number[]) => ({ log: 'test-1', at: new Date(1_000), last: new Map(last.entries()) });

const checkpoint = (...positions: number[]) => ({
  log: 'test-1',
  positions: new Map(positions.entries()),
  holds: new Map<number, number>(),
});

/** The state of a leader without a transport: all partitions at position 0, at the time 0. */
function openState(partitions: number) {
  const state = createSubscriptionState(limits);
  state.learn(checkpoint(...Array(partitions).fill(0)), 0);
  state.lead(0);
  return state;
}

/** The same with a transport that has assigned these partitions to it. */
function openAssigned(partitions: number, assigned: readonly number[] | undefined) {
  const assignment = createPartitionAssignment(limits, 0);
  const state = createSubscriptionState(limits, assignment);
  assignment.assign(assigned, 0);
  state.learn(checkpoint(...Array(partitions).fill(0)), 0);
  state.lead(0);
  return { state, assignment };
}

describe('what takes many bytes', () => {
  const large = (partition: number, from: number, to: number) =>
    run(partition, from, to).map((event) => ({ ...event, data: 'x'.repeat(298) }));

  test('is not fetched beyond half of what a partition may hold, nor accepted beyond all of it', () => {
    const state = openState(2);
    state.learnHeads(heads(50, 50), 0);
    state.fill(0, large(0, 1, 2));
    state.fill(1, large(1, 1, 1));
    expect(state.due(0).fetches.map(({ partition }) => partition)).toEqual([1]);
    expect(state.admits(0)).toBe(true);
    state.acceptWithHeads(large(0, 3, 4));
    expect(state.admits(0)).toBe(false);
    state.acceptWithHeads(large(0, 5, 5));
    expect(state.take(100)).toHaveLength(5);
    expect(state.admits(0)).toBe(true);
  });

  test('fills a batch with few events, of all partitions together', () => {
    const state = openState(3);
    for (const partition of [0, 1, 2]) state.fill(partition, large(partition, 1, 2));
    expect(state.take(100, 800)).toHaveLength(3);
    expect(state.take(100, 1)).toHaveLength(1);
    expect(state.take(100, 800)).toHaveLength(2);
  });

  test('does not keep a hole from being filled', () => {
    const state = openState(1);
    state.fill(0, large(0, 2, 9));
    expect(state.admits(0)).toBe(false);
    expect(state.due(0).fetches).toMatchObject([{ kind: 'hole', after: 0, upTo: 1 }]);
  });
});

describe('what is to be fetched', () => {
  test('is everything at once without a transport, the emptiest buffer first, while there is room', () => {
    const state = openState(3);
    state.learnHeads(heads(50, 50, 50), 0);
    state.fill(0, run(0, 1, 5));
    state.fill(1, run(1, 1, 6));
    expect(state.due(0).fetches.map(({ partition, after }) => [partition, after])).toEqual([
      [2, 0],
      [0, 5],
    ]);
  });

  test('is a hole at once, and only the hole, in a partition of its own', () => {
    const { state } = openAssigned(1, [0]);
    state.resign();
    state.accept(0, run(0, 4, 6), 100);
    expect(state.due(100).fetches).toEqual([{ kind: 'hole', partition: 0, after: 0, upTo: 3, limit: 3 }]);
  });

  test('is a tail that the transport has not delivered within the grace', () => {
    const { state } = openAssigned(2, [0, 1]);
    state.learnHeads(heads(3, 0), 1_000);
    expect(state.due(1_000)).toEqual({ fetches: [], nextMs: 5_000 });
    state.accept(0, run(0, 1, 2), 4_000);
    expect(state.due(8_000)).toEqual({ fetches: [], nextMs: 1_000 });
    expect(state.due(9_000).fetches).toEqual([{ kind: 'tail', partition: 0, after: 2, upTo: 3, limit: 100 }]);
  });

  test('is not delayed by a transport that only repeats itself', () => {
    const { state } = openAssigned(1, [0]);
    state.accept(0, run(0, 1, 2), 500);
    state.learnHeads(heads(3), 1_000);
    state.accept(0, run(0, 1, 2), 5_500);
    expect(state.due(6_000).fetches).toHaveLength(1);
  });

  test('is nothing while the transport is still catching up with what was fetched', () => {
    const { state } = openAssigned(1, [0]);
    state.fill(0, run(0, 1, 4));
    state.learnHeads(heads(9), 0);
    state.accept(0, run(0, 1, 2), 4_000);
    state.accept(0, run(0, 3, 4), 8_000);
    expect(state.due(9_000)).toEqual({ fetches: [], nextMs: 4_000 });
  });

  test('is nothing while a delivery waits for room', () => {
    const { state, assignment } = openAssigned(2, [0, 1]);
    state.learnHeads(heads(9, 9), 0);
    assignment.hold();
    expect(state.due(60_000)).toEqual({ fetches: [], nextMs: undefined });
    assignment.release(60_000);
    expect(state.due(60_000)).toEqual({ fetches: [], nextMs: 5_000 });
  });

  test('is no tail on an instance that does not lead', () => {
    const { state } = openAssigned(1, [0]);
    state.learnHeads(heads(3), 0);
    state.resign();
    expect(state.due(60_000).fetches).toEqual([]);
    state.lead(60_000);
    state.learnHeads(heads(3), 60_000);
    expect(state.due(65_000).fetches).toHaveLength(1);
  });
});

describe("another instance's partition", () => {
  test('is fetched only when the database still shows it behind after the grace', () => {
    const { state } = openAssigned(1, []);
    state.learnHeads(heads(3), 1_000);
    expect(state.mustRefresh()).toBe(true);
    expect(state.due(60_000).fetches).toEqual([]);
    state.learn(checkpoint(0), 5_999);
    expect(state.due(60_000).fetches).toEqual([]);
    state.learn(checkpoint(0), 6_000);
    expect(state.due(60_000).fetches).toHaveLength(1);
  });

  test('is not fetched as long as it moves, nor once it has reached the head', () => {
    const { state } = openAssigned(1, []);
    state.learnHeads(heads(3), 0);
    state.learn(checkpoint(2), 4_000);
    state.learn(checkpoint(2), 8_999);
    expect(state.due(60_000).fetches).toEqual([]);
    state.learn(checkpoint(3), 10_000);
    expect(state.mustRefresh()).toBe(false);
    expect(state.due(60_000).fetches).toEqual([]);
    expect(state.takeCheckpointMetadata()).toEqual([{ partition: 0, head: 3, asOf: new Date(1_000) }]);
  });

  test('is fetched without waiting for each event, once this instance has had no assignment for some time', () => {
    const { state, assignment } = openAssigned(1, [0]);
    state.learnHeads(heads(3), 10_000);
    assignment.assign(undefined, 10_000);
    state.learn(checkpoint(0), 11_999);
    expect(state.due(60_000).fetches).toEqual([]);
    state.learn(checkpoint(0), 12_000);
    expect(state.due(12_000).fetches).toHaveLength(1);
    state.fill(0, run(0, 1, 3));
    state.learnHeads(heads(4), 20_000);
    expect(state.due(20_000).fetches).toHaveLength(1);
  });
});

describe('a partition that is assigned', () => {
  test('accepts nothing before its position was read from the database', () => {
    const { state, assignment } = openAssigned(2, [0]);
    assignment.assign([0, 1], 1_000);
    expect([state.mustRefresh(), state.admits(0), state.admits(1)]).toEqual([true, false, false]);
    state.learn(checkpoint(0, 7), 1_000);
    expect([state.mustRefresh(), state.admits(0), state.admits(1)]).toEqual([false, true, true]);
    state.accept(1, run(1, 5, 9), 1_001);
    expect(state.take(10).map(sequenceOf)).toEqual([8, 9]);
  });

  test('is not set back by a position that was read too early', () => {
    const { state } = openAssigned(1, [0]);
    state.accept(0, run(0, 1, 6), 0);
    state.take(4);
    state.learn(checkpoint(2), 1);
    expect(state.take(10).map(sequenceOf)).toEqual([5, 6]);
  });

  test('drops its buffered events when it goes to another instance', () => {
    const { state, assignment } = openAssigned(2, [0, 1]);
    for (const partition of [0, 1]) state.accept(partition, run(partition, 1, 3), 0);
    assignment.assign([1], 1);
    state.reassign();
    expect(state.take(10).map(({ partition }) => partition)).toEqual([1, 1, 1]);
  });
});

describe('what is handed out', () => {
  test('starts with another partition each time, so that none is left out', () => {
    const state = openState(3);
    for (const partition of [0, 1, 2]) state.fill(partition, run(partition, 1, 9));
    const firsts = [1, 2, 3].map(() => state.take(5)[0]!.partition);
    expect(firsts.sort()).toEqual([0, 1, 2]);
  });

  test('is handed out again from the position in the database after a failure', () => {
    const state = openState(1);
    state.fill(0, run(0, 1, 9));
    const taken = state.take(6);
    state.restart(checkpoint(4), 0);
    state.fill(0, taken);
    expect(state.take(100).map(sequenceOf)).toEqual([5, 6, 7, 8, 9]);
  });
});

test('takes the time of the heads as As-Of once they are committed, and gives it once', () => {
  const state = openState(1);
  state.learnHeads(heads(2), 0);
  expect(state.takeCheckpointMetadata()).toEqual([{ partition: 0, head: 2, asOf: undefined }]);
  state.fill(0, run(0, 1, 2));
  state.take(2);
  expect(state.takeCheckpointMetadata()).toEqual([]);
  state.commit(0, 2);
  expect(state.takeCheckpointMetadata()).toEqual([{ partition: 0, head: 2, asOf: new Date(1_000) }]);
  expect(state.takeCheckpointMetadata()).toEqual([]);
});
