import { describe, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import { createBatcher } from './batcher.ts';

const echo = async (items: readonly number[]) => items.map((value) => ({ value }));

test('carries out together what is submitted at the same moment', async () => {
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

test('gathers what comes while a batch is under way, up to the largest batch', async () => {
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

test('begins the next batch before the callers of the last one go on', async () => {
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
  await Promise.all([1, 2, 3, 4].map(async (n) => happened.push(`goes on ${await batcher.submit(n)}`)));
  expect(happened).toEqual(['begins 1,2', 'begins 3,4', 'goes on 1', 'goes on 2', 'goes on 3', 'goes on 4']);
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

test('goes on after a batch that failed as a whole', async () => {
  let fails = true;
  const batcher = createBatcher<number, number>({
    run: async (items) => {
      if (fails) throw new Error('away');
      return echo(items);
    },
    maxBatch: 10,
    maxWaiting: 10,
  });
  await expect(batcher.submit(1)).rejects.toThrow('away');
  fails = false;
  expect(await batcher.submit(2)).toBe(2);
  await batcher.idle();
});

test('refuses more than may wait', async () => {
  const batcher = createBatcher<number, number>({ run: echo, maxBatch: 1, maxWaiting: 2 });
  const outcomes = await Promise.allSettled([1, 2, 3].map(batcher.submit));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
});

describe('with several workers', () => {
  /** Batches that end when they are told to. */
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

  test('shares what waits evenly between them', async () => {
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

  test('begins another batch only for as many as make it worth it', async () => {
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

  test('goes on beside another batch only for as many as make it worth it', async () => {
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

  test('has items of one key in one batch at a time, in their order', async () => {
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

describe('a batch that does not end in its time', () => {
  const LIMIT_MS = 20;
  /** Batches that do not end before they are told to; all but the first end at once. */
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

  test('fails, with all that waited behind it for as long', async () => {
    const { batcher, endOne } = openStuck();
    const outcomes = await Promise.allSettled([1, 2, 3].map(batcher.submit));
    expect(outcomes).toEqual([1, 2, 3].map(() => ({ status: 'rejected', reason: unavailable })));
    endOne();
    await batcher.idle();
  });

  test('is told to try nothing more, and is seen from outside until one ends in time', async () => {
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

  test('keeps its place until it has ended, so that nothing of it runs beside what follows', async () => {
    const { batcher, signals, endOne } = openStuck();
    await expect(batcher.submit(1)).rejects.toEqual(unavailable);
    await expect(batcher.submit(2)).rejects.toEqual(unavailable);
    expect(signals).toHaveLength(1);
    endOne();
    await batcher.idle();
    expect(signals).toHaveLength(1);
  });

  test('stops at once when it is told to, with all that waits', async () => {
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
