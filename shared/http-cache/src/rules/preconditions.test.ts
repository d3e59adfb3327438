import { expect, test } from '@jest/globals';
import { conditionsOf, isNotModified, withConditions } from './preconditions.ts';

const kept = { etag: '"a"', 'last-modified': 'Sun, 01 Nov 2026 09:00:00 GMT' };

test.each([
  [{}, false],
  [{ 'if-none-match': '"a"' }, true],
  [{ 'if-none-match': 'W/"a", "b"' }, true],
  [{ 'if-none-match': '*' }, true],
  [{ 'if-none-match': '"b"' }, false],
  [{ 'if-none-match': 'a' }, false],
  [{ 'if-none-match': '"b"', 'if-modified-since': 'Sun, 01 Nov 2026 10:00:00 GMT' }, false],
  [{ 'if-modified-since': 'Sun, 01 Nov 2026 09:00:00 GMT' }, true],
  [{ 'if-modified-since': 'Sun, 01 Nov 2026 08:59:59 GMT' }, false],
  [{ 'if-modified-since': 'soon' }, false],
])('the caller has what is kept, by %j: %s', (request, expected) => {
  expect(isNotModified(request, kept)).toBe(expected);
});

test('without a tag or a time no caller can have it', () => {
  expect(isNotModified({ 'if-none-match': '*' }, {})).toBe(false);
  expect(isNotModified({ 'if-modified-since': 'Sun, 01 Nov 2026 09:00:00 GMT' }, {})).toBe(false);
});

test('the origin gets the validators of the stored answer, and none of the caller', () => {
  expect(conditionsOf({})).toBeUndefined();
  expect(
    withConditions(
      { accept: 'a', 'if-none-match': '"b"', 'if-modified-since': 'x' },
      conditionsOf({ etag: '"a"' })!,
    ),
  ).toEqual({
    accept: 'a',
    'if-none-match': '"a"',
  });
});
