import { describe, expect, test } from '@jest/globals';
import { requestIdFrom, traceparentFrom } from './trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const MADE = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/;

describe('trace', () => {
  test('keeps a valid traceparent', () => {
    expect(traceparentFrom(`00-${TRACE}-${PARENT}-00`)).toBe(`00-${TRACE}-${PARENT}-00`);
  });

  test('reads the known part of a newer version', () => {
    expect(traceparentFrom(`cc-${TRACE}-${PARENT}-01-what-the-future-holds`)).toBe(
      `00-${TRACE}-${PARENT}-01`,
    );
  });

  test.each([
    undefined,
    '',
    'nonsense',
    `00-${TRACE}-${PARENT}-01-more`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
  ])('makes a new one in place of %s', (header) => {
    const made = traceparentFrom(header);
    expect(made).toMatch(MADE);
    expect(made).not.toContain(TRACE);
  });

  test('keeps a request id that is safe in a log line, and replaces any other', () => {
    expect(requestIdFrom('abc-123')).toBe('abc-123');
    for (const header of [undefined, '', 'a b', 'a\n', 'a"', 'a'.repeat(65)]) {
      expect(requestIdFrom(header)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});
