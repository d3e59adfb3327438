import { describe, expect, test } from '@jest/globals';
import { pauseMs, retry, retryForever } from './retry.ts';

/** Pauses of a millisecond, so that a test waits for nothing. */
const SHORT = { longestPauseMs: 1 };

/** An attempt that fails so often, each time with an error that bears its number, and then gives its number. */
function failing(times: number) {
  let attempts = 0;
  return async () => {
    attempts += 1;
    if (attempts <= times) throw new Error(`failure ${attempts}`);
    return attempts;
  };
}

describe('the pause after a failure', () => {
  test('grows by a third each time, up to five seconds, half of it by chance', () => {
    const pauses = [1, 2, 3, 4].map((failures) => Math.round(pauseMs(failures, { chance: 1 })));
    expect(pauses).toEqual([100, 130, 169, 220]);
    expect(pauseMs(1, { chance: 0 })).toBe(50);
    expect(pauseMs(1_000, { chance: 1 })).toBe(5_000);
    expect(pauseMs(1e9, { chance: 1 })).toBe(5_000);
  });

  test('is never longer than it may be', () => {
    expect(pauseMs(1, { longestPauseMs: 30, chance: 1 })).toBe(30);
    expect(pauseMs(20, { longestPauseMs: 500, chance: 1 })).toBe(500);
  });
});

describe('retry', () => {
  test('gives what the first attempt gives that succeeds, and reports each failure before it', async () => {
    const reported: unknown[] = [];
    const onFailure = (error: unknown, failures: number) => reported.push([failures, `${error}`]);
    expect(await retry(failing(2), { ...SHORT, attempts: 3, onFailure })).toBe(3);
    expect(reported).toEqual([
      [1, 'Error: failure 1'],
      [2, 'Error: failure 2'],
    ]);
  });

  test('throws the last error when there were as many attempts as it may make', async () => {
    await expect(retry(failing(9), { ...SHORT, attempts: 3 })).rejects.toThrow('failure 3');
    await expect(retry(failing(9), { ...SHORT, attempts: 1 })).rejects.toThrow('failure 1');
  });

  test('throws an error at once that no other attempt would get round', async () => {
    const options = { ...SHORT, attempts: 9, isTransient: (error: unknown) => `${error}`.endsWith('1') };
    await expect(retry(failing(9), options)).rejects.toThrow('failure 2');
  });

  test('throws the last error, without a pause, when it is aborted', async () => {
    const stop = new AbortController();
    const options = { attempts: 9, signal: stop.signal, onFailure: () => stop.abort() };
    await expect(retry(failing(9), options)).rejects.toThrow('failure 1');
    await expect(retry(failing(9), options)).rejects.toThrow('failure 1');
  });
});

describe('retryForever', () => {
  test('repeats a step, also after an error, until it is aborted', async () => {
    const stop = new AbortController();
    const told: unknown[] = [];
    let steps = 0;
    const step = async () => {
      steps += 1;
      if (steps === 2) throw new Error('once');
      if (steps === 4) stop.abort();
    };
    await retryForever(step, {
      ...SHORT,
      signal: stop.signal,
      onFailure: (error, failures) => told.push(`failure ${failures}: ${(error as Error).message}`),
      onSuccess: () => told.push('success'),
    });
    expect(steps).toBe(4);
    expect(told).toEqual(['success', 'failure 1: once', 'success', 'success']);
  });

  test('reports no failure of a step that the end has interrupted', async () => {
    const stop = new AbortController();
    const onFailure = () => {
      throw new Error('was reported');
    };
    const step = async () => {
      stop.abort();
      throw new Error('interrupted');
    };
    await retryForever(step, { signal: stop.signal, onFailure });
  });

  test('counts failures in a row, and a step that only lasted is no success', async () => {
    const stop = new AbortController();
    const counts: number[] = [];
    let steps = 0;
    const step = async () => {
      steps += 1;
      if (steps === 3) return;
      if (steps === 6) stop.abort();
      throw new Error('again');
    };
    await retryForever(step, {
      ...SHORT,
      signal: stop.signal,
      onFailure: (_, failures) => counts.push(failures),
    });
    expect(counts).toEqual([1, 2, 1, 2]);
  });

  test('counts from one again when a step that never returns has worked for long enough', async () => {
    const stop = new AbortController();
    const told: unknown[] = [];
    let [steps, nowMs] = [0, 0];
    const step = async (onSuccess: () => void) => {
      steps += 1;
      if (steps === 5) stop.abort();
      onSuccess();
      nowMs += steps === 3 ? 10_001 : 10_000;
      throw new Error('broke');
    };
    await retryForever(step, {
      ...SHORT,
      signal: stop.signal,
      clock: () => nowMs,
      onFailure: (_, failures) => told.push(failures),
      onSuccess: () => told.push('well'),
    });
    expect(told).toEqual(['well', 1, 'well', 2, 'well', 1, 'well', 2, 'well']);
  });

  test('rejects with what a report itself throws', async () => {
    const onFailure = () => {
      throw new Error('cannot report');
    };
    const { signal } = new AbortController();
    await expect(retryForever(failing(1), { ...SHORT, signal, onFailure })).rejects.toThrow('cannot report');
  });
});
