import { describe, expect, test } from '@jest/globals';
import { problem } from '@micromart/http/problem';
import { markStart } from './feed.ts';
import { advance, beginReading, MAX_FAILURES, MAX_LINES, retryDelayS } from './job.ts';
import { exhausted, FeedError, failureOf as failureBy, retryPolicy } from './job-failure.ts';

const mark = (line: number) => ({ ...markStart({ value: '"1"', strong: true }), line, offset: line * 10 });
const place = (partition: number, sequence: number) => ({ log: 'catalog-1', partition, sequence });

describe('the progress of an import', () => {
  const begun = beginReading(null, mark(0), 1_000);
  const after = advance(
    begun,
    { mark: mark(4), bytes: 40, isLast: false, waitedMs: 5 },
    {
      rows: 4,
      repeated: 1,
      tally: { applied: 2, unchanged: 1, superseded: 0 },
      rejected: [{ row: 3, message: 'is not valid JSON' }],
      places: [place(1, 7), place(0, 3), place(1, 6)],
    },
  );

  test('adds up chunks', () => {
    expect(after).toMatchObject({ rows: 4, totalRows: null, bytes: 40, totalBytes: 1_000, rejected: 1 });
    const end = advance(
      after,
      { mark: mark(6), bytes: 60, isLast: true, waitedMs: 7 },
      {
        rows: 2,
        repeated: 1,
        tally: { applied: 0, unchanged: 1, superseded: 1 },
        rejected: [],
        places: [place(1, 9)],
      },
    );
    expect(end).toMatchObject({
      mark: mark(6),
      rows: 6,
      totalRows: 6,
      waitedMs: 12,
      repeated: 2,
      tally: { applied: 2, unchanged: 2, superseded: 1 },
      rejected: 1,
      places: [place(0, 3), place(1, 9)],
    });
  });

  test('starts again after all rows of the old file, and keeps how far it got and what it wrote', () => {
    expect(beginReading(after, mark(0), null)).toMatchObject({
      baseRow: MAX_LINES,
      rows: 0,
      furthestRows: 4,
      tally: { applied: 0 },
      places: after.places,
    });
  });
});

describe('a job after', () => {
  const isUnavailable = (error: unknown) => error instanceof Error && error.message === 'away';
  const failureOf = (error: unknown) => failureBy(error, isUnavailable);

  test('a refusal has failed', () => {
    const failure = failureOf(new FeedError('feed-unreadable', 'The feed is empty.'));
    expect(retryPolicy(failure, 0, 0.5)).toEqual({
      state: 'failed',
      error: { code: 'feed-unreadable', detail: 'The feed is empty.' },
    });
  });

  test('an unavailable upstream is retried at growing intervals, and given up in the end', () => {
    const failure = failureOf(new FeedError('upstream-away', 'It is away.'));
    expect(retryPolicy(failure, 0, 1)).toMatchObject({ delayS: 1, failures: 1 });
    expect(retryPolicy(failure, 3, 1)).toMatchObject({ delayS: 8, failures: 4 });
    expect(retryPolicy(failure, MAX_FAILURES - 1, 1)).toMatchObject({ state: 'failed' });
  });

  test('an unavailable store waits, however long it takes', () => {
    for (const error of [new Error('away'), problem('unavailable', 'Too much is waiting.')]) {
      const decision = retryPolicy(failureOf(error), MAX_FAILURES, 0);
      expect(decision).toEqual({ delayS: 5, error: { code: 'unavailable', detail: expect.any(String) } });
    }
  });

  test('an error of our own shows nothing of it', () => {
    const failure = failureOf(new TypeError('secret is not a function'));
    expect(failure).toEqual({
      kind: 'transient',
      error: { code: 'internal', detail: 'Something went wrong on our side.' },
    });
  });
});

test('a delay has a maximum, and half of it is random', () => {
  expect(retryDelayS(1, 0)).toBe(0.5);
  expect(retryDelayS(30, 1)).toBe(300);
  expect(retryDelayS(30, 0)).toBe(150);
});

test('a job that kills its workers is given up', () => {
  expect(exhausted(10)).toBeUndefined();
  expect(exhausted(11)).toMatchObject({ code: 'no-progress' });
});
