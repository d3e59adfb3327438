import { expect, test } from '@jest/globals';
import { classifyRead, classifyWrite, describe as describeAnswer } from './verdict.ts';

const answer = (status: number, body: unknown = {}) => ({ status, headers: {}, body: JSON.stringify(body) });

test('a write is repeated while its key is in flight, its shopper too fast, or something unavailable', () => {
  expect([200, 201].map((status) => classifyWrite(answer(status)))).toEqual(['accept', 'accept']);
  expect([409, 429, 503].map((status) => classifyWrite(answer(status)))).toEqual(['retry', 'retry', 'retry']);
  expect([400, 404, 422, 500].map((status) => classifyWrite(answer(status)))).not.toContain('retry');
});

test('a read waits for what time resolves: not for parked events, nor for another log', () => {
  expect(classifyRead(answer(503, { type: '/problems/not-yet-consistent' }))).toBe('retry');
  expect(classifyRead(answer(503))).toBe('retry');
  expect(classifyRead(answer(503, { type: '/problems/parked' }))).toBe('refuse');
  expect(classifyRead(answer(409))).toBe('refuse');
});

test('an answer is described by its own text, if it has one', () => {
  expect(describeAnswer(answer(422, { title: 'Unprocessable', detail: 'no such product' }))).toBe(
    '422, no such product',
  );
  expect(describeAnswer({ status: 502, headers: {}, body: '<html>' })).toBe('502');
  expect(describeAnswer(answer(503, null))).toBe('503');
});
