import { expect, test } from '@jest/globals';
import type { Decide } from '@micromart/event-log/change-store';
import { foldDocument } from './fold-document.ts';

type Counter = { readonly count: number };

const time = new Date('2026-11-01T09:30:00Z');

const countBy =
  (n: number, events: number): Decide<Counter, number> =>
  (document, version) => {
    const count = (document?.state.count ?? 0) + n;
    const event = (k: number) => ({ type: 'counted', subject: 'a', key: 'a', time, data: { version, k } });
    return {
      answer: count,
      change: { state: { count }, events: Array.from({ length: events }, (_, k) => event(k)) },
    };
  };

const readOnly: Decide<Counter, number | undefined> = (document) => ({ answer: document?.state.count });

const fail: Decide<Counter, never> = () => {
  throw new Error('against the rules');
};

const requestsOf = (...decides: Decide<Counter, unknown>[]) =>
  decides.map((decide, n) => ({ id: 'a', decide, traceparent: `trace ${n}` }));

test('decides each change on the result of the one before, and writes once', () => {
  const loaded = { version: 4, sequence: 9, state: { count: 10 } };
  const { decided, change } = foldDocument(requestsOf(countBy(1, 1), countBy(2, 2), readOnly), loaded);
  expect(decided).toEqual([
    { answer: 11, events: 1 },
    { answer: 13, events: 3 },
    { answer: 13, events: 3 },
  ]);
  expect(change).toMatchObject({
    version: 6,
    state: { count: 13 },
    events: [
      { data: { version: 5, k: 0 }, traceparent: 'trace 0' },
      { data: { version: 6, k: 0 }, traceparent: 'trace 1' },
      { data: { version: 6, k: 1 }, traceparent: 'trace 1' },
    ],
  });
});

test('keeps only the error of a change that throws', () => {
  const { decided, change } = foldDocument(requestsOf(fail, countBy(1, 1), fail), undefined);
  expect(decided).toEqual([
    { error: expect.objectContaining({ message: 'against the rules' }) },
    { answer: 1, events: 1 },
    { error: expect.anything() },
  ]);
  expect(change).toMatchObject({ version: 1, state: { count: 1 } });
  expect(change!.events).toHaveLength(1);
});

test('writes nothing when nothing changes, and writes when only the state changes', () => {
  const loaded = { version: 4, sequence: 9, state: { count: 10 } };
  expect(foldDocument(requestsOf(readOnly, fail), loaded).change).toBeUndefined();
  expect(foldDocument(requestsOf(countBy(1, 0)), loaded).change).toMatchObject({ version: 5, events: [] });
});
