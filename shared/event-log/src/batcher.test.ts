import { describe, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import { createBatcher } from './batcher.ts';

const echo = async (items: readonly number[]) => items.map((value) => ({ value }));

test('executes items together that are submitted at the same moment', async () => {
  const batches: number[][] = [];
  const batcher = createBatcher<number, number>({
    run: async (items) => {
      batches.push([...items]);
      return echo(items);
    },
    maxBatch: 100,
    maxWaiting: 100,
  });
  expect(await Promise.all([1, 2, 3].map(batcher.submit))).toEqual([1, 2, 3]);
  expect(batches).toEqual([[1, 2, 3]]);
});

test('gathers items that come while a batch runs, up to the largest batch', async () => {
  const batches: number[] = [];
  const batcher = createBatcher<number, number>({
    run: async (items) => {
      batches.push(items.length);
      await new Promise((resolve) => setImmediate(resolve));
      return echo(items);
    },
    maxBatch: 4,
    maxWaiting: 100,
  });
  await Promise.all(Array.from({ length: 10 }, (_, n) => batcher.submit(n)));
  expect(batches).toEqual([4, 4, 2]);
});

test('starts the next batch before the callers of the last one resume', async () => {
  const happened: string[] = [];
  const batcher = createBatcher<number, number>({
    run: async (items) => {
      happened.push(`begins ${items}`);
      await new Promise((resolve) => setImmediate(resolve));
      return echo(items);
    },
    maxBatch: 2,
    maxWaiting: 100,
  });
  await Promise.all([1, 2, 3, 4].map(async (n) => happened.push(`resumes ${await batcher.submit(n)}`)));
  expect(happened).toEqual(['begins 1,2', 'begins 3,4', 'resumes 1', 'resumes 2', 'resumes 3', 'resumes 4']);
});

test('gives each item its own outcome', async () => {
  const batcher = createBatcher<number, number>({
    run: async (items) => items.map((value) => (value === 2 ? { error: new Error('not two') } : { value })),
    maxBatch: 10,
    maxWaiting: 10,
  });
  const outcomes = await Promise.allSettled([1, 2, 3].map(batcher.submit));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('continues after a batch that failed as a whole', async () => {
  let fails = true;
  const batcher = createBatcher<number, number>({
    run: async (items) => {
      if (fails) throw new Error('unavailable');
      return echo(items);
    },
    maxBatch: 10,
    maxWaiting: 10,
  });
  await expect(batcher.submit(1)).rejects.toThrow('unavailable');
  fails = false;
  expect(await batcher.submit(2)).toBe(2);
  await batcher.idle();
});

test('refuses more items than may wait', async () => {
  const batcher = createBatcher<number, number>({ run: echo, maxBatch: 1, maxWaiting: 2 });
  const outcomes = await Promise.allSettled([1, 2, 3].map(batcher.submit));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
});

describe('with several workers', () => {
  /** A batcher whose batches end when the test says so. */
  const openWorkers = (minPerWorker: number, keyOf?: (item: number) => string) => {
    const begun: number[][] = [];
    const ends: (() => void)[] = [];
    const batcher = createBatcher<number, number>({
      run: async (items) => {
        begun.push([...items]);
        await new Promise<void>((resolve) => ends.push(resolve));
        return echo(items);
      },
      maxBatch: 100,
      maxWaiting: 1_000,
      workers: 2,
      minPerWorker,
      ...(keyOf && { keyOf }),
    });
    const endAll = async () => {
      for (let turn = 0; turn < 5; turn += 1) {
        for (const end of ends.splice(0)) end();
        await nextTurn();
      }
    };
    return { begun, batcher, endAll, endOne: () => ends.shift()!() };
  };
  const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const submitAll = (batcher: { submit(item: number): Promise<number> }, count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => batcher.submit(n)));

  test('divides the waiting items evenly', async () => {
    const { begun, batcher, endAll } = openWorkers(1);
    const all = submitAll(batcher, 10);
    await nextTurn();
    await nextTurn();
    expect(begun).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8, 9],
    ]);
    await endAll();
    expect(await all).toHaveLength(10);
  });

  test('starts another batch only when enough items wait for it', async () => {
    const { begun, batcher, endAll } = openWorkers(8);
    const all = submitAll(batcher, 15);
    await nextTurn();
    await nextTurn();
    expect(begun.map(({ length }) => length)).toEqual([8]);
    const more = submitAll(batcher, 1);
    await nextTurn();
    expect(begun.map(({ length }) => length)).toEqual([8, 8]);
    await endAll();
    expect([await all, await more].flat()).toHaveLength(16);
  });

  test('continues while another batch runs only when enough items wait', async () => {
    const { begun, batcher, endAll, endOne } = openWorkers(8);
    const all = submitAll(batcher, 16);
    await nextTurn();
    await nextTurn();
    expect(begun.map(({ length }) => length)).toEqual([8, 8]);
    const more = submitAll(batcher, 3);
    endOne();
    await nextTurn();
    await nextTurn();
    expect(begun.map(({ length }) => length)).toEqual([8, 8]);
    await endAll();
    expect(begun.map(({ length }) => length)).toEqual([8, 8, 3]);
    await Promise.all([all, more]);
    await batcher.idle();
  });

  test('keeps items of one key in one batch at a time, in their order', async () => {
    const { begun, batcher, endAll } = openWorkers(1, (n) => (n % 4 === 0 ? 'hot' : String(n)));
    const all = submitAll(batcher, 12);
    await nextTurn();
    await nextTurn();
    expect(begun).toEqual([
      [0, 1, 2, 3, 4, 5],
      [6, 7, 9, 10, 11],
    ]);
    await endAll();
    expect(begun[2]).toEqual([8]);
    await all;
    await batcher.idle();
  });
});

describe('a batch that does not end in time', () => {
  const LIMIT_MS = 20;
  /** A batcher whose first batch ends when the test says so; the others end at once. */
  const openStuck = () => {
    const signals: AbortSignal[] = [];
    const ends: (() => void)[] = [];
    const batcher = createBatcher<number, number>({
      run: async (items, signal) => {
        signals.push(signal);
        if (signals.length === 1) await new Promise<void>((resolve) => ends.push(resolve));
        return echo(items);
      },
      maxBatch: 1,
      maxWaiting: 100,
      timeoutMs: LIMIT_MS,
    });
    return { batcher, signals, endOne: () => ends.shift()!() };
  };
  const unavailable = expect.objectContaining({ code: 'unavailable' });

  test('fails, together with items that waited behind it as long', async () => {
    const { batcher, endOne } = openStuck();
    const outcomes = await Promise.allSettled([1, 2, 3].map(batcher.submit));
    expect(outcomes).toEqual([1, 2, 3].map(() => ({ status: 'rejected', reason: unavailable })));
    endOne();
    await batcher.idle();
  });

  test('gets an aborted signal, and counts as stuck until a batch ends in time', async () => {
    const { batcher, signals, endOne } = openStuck();
    expect(batcher.isStuck()).toBe(false);
    await expect(batcher.submit(1)).rejects.toEqual(unavailable);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(batcher.isStuck()).toBe(true);
    endOne();
    await batcher.idle();
    expect(batcher.isStuck()).toBe(true);
    expect(await batcher.submit(2)).toBe(2);
    await batcher.idle();
    expect(batcher.isStuck()).toBe(false);
  });

  test('keeps its worker until it has ended, so that no later batch runs at the same time', async () => {
    const { batcher, signals, endOne } = openStuck();
    await expect(batcher.submit(1)).rejects.toEqual(unavailable);
    await expect(batcher.submit(2)).rejects.toEqual(unavailable);
    expect(signals).toHaveLength(1);
    endOne();
    await batcher.idle();
    expect(signals).toHaveLength(1);
  });

  test('fails at once on stop, together with all waiting items', async () => {
    const signals: AbortSignal[] = [];
    const batcher = createBatcher<number, number>({
      run: async (items, signal) => {
        signals.push(signal);
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        return echo(items);
      },
      maxBatch: 1,
      maxWaiting: 100,
    });
    const outcomes = Promise.allSettled([1, 2].map(batcher.submit));
    await until(() => signals.length === 1);
    batcher.stop();
    await batcher.idle();
    expect(await outcomes).toEqual([1, 2].map(() => ({ status: 'rejected', reason: unavailable })));
    await expect(batcher.submit(3)).rejects.toEqual(unavailable);
    expect(signals).toHaveLength(1);
  });
});
