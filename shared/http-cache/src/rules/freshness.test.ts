import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseCacheControl } from './cache-control.ts';
import { headersForPolicy, initialAgeMs, isExplicit, mustBeValidated, statusForPolicy } from './freshness.ts';

const receivedMs = Date.parse('2026-11-01T09:30:10.500Z');
const at = (ms: number) => new Date(receivedMs + ms).toUTCString();
const received = (headers: Record<string, string>, tookMs = 0) => ({
  headers,
  requestedMs: receivedMs - tookMs,
  receivedMs,
});

describe('the age of an answer on arrival', () => {
  test.each([
    ['zero, when nothing is known about it', {}, 0, 0],
    ['the time since the request', {}, 700, 700],
    ['its Age and the time since the request', { age: '5' }, 700, 5_700],
    ['what its date shows, when that is more', { age: '5', date: at(-60_000) }, 0, 59_500],
    ['nothing, when its date is of the future', { date: at(60_000) }, 0, 0],
    ['zero, when its date is the second in which it was sent', { date: at(0) }, 0, 0],
    ['nothing that its date says, when that is none', { date: 'soon' }, 0, 0],
  ])('is %s', (_, headers, tookMs, ageMs) => {
    expect(initialAgeMs(received(headers, tookMs))).toBe(ageMs);
  });

  test('is never negative, and never less than the time since the request', () => {
    const header = fc.option(fc.string(), { nil: undefined });
    fc.assert(
      fc.property(header, header, fc.nat(1e9), (age, date, tookMs) => {
        const headers = { ...(age !== undefined && { age }), ...(date !== undefined && { date }) };
        expect(initialAgeMs(received(headers, tookMs))).toBeGreaterThanOrEqual(tookMs);
      }),
    );
  });
});

test.each([
  ['max-age=60', false],
  ['max-age=60, must-revalidate', true],
  ['no-cache', true],
  ['no-cache="set-cookie"', true],
  ['proxy-revalidate', false],
])('validation is a must with %s: %s', (cacheControl, expected) => {
  expect(mustBeValidated(parseCacheControl(cacheControl))).toBe(expected);
});

test.each([
  [200, 'max-age=1', 200],
  [599, 'max-age=1', 200],
  [599, 'private', 599],
  [599, 'max-age=1, must-understand', 599],
  [206, 'max-age=1', 206],
  [304, '', 200],
])('a %d with %j is judged as %d', (status, cacheControl, expected) => {
  expect(statusForPolicy(status, {}, parseCacheControl(cacheControl))).toBe(expected);
});

test('a lifetime is explicit by max-age, by public and by Expires', () => {
  const none = parseCacheControl('private');
  expect(isExplicit({}, none)).toBe(false);
  expect(isExplicit({ expires: 'soon' }, none)).toBe(true);
  for (const word of ['max-age=1', 'public']) expect(isExplicit({}, parseCacheControl(word))).toBe(true);
});

describe('the headers for the library have', () => {
  const shown = (cacheControl: string, headers = {}) =>
    headersForPolicy(received(headers), parseCacheControl(cacheControl))['cache-control'];

  test.each([
    ['what is its business', 'private, x=1, max-age=60', 'max-age=60'],
    ['stale-if-error unchanged', 'max-age=60, stale-if-error=30', 'max-age=60, stale-if-error=30'],
    [
      'no stale-if-error where validation is a must',
      'max-age=60, stale-if-error=30, must-revalidate',
      'max-age=60',
    ],
    ['no lifetime where there is none to read', 'max-age="60, public"', 'max-age=0'],
  ])('%s', (_, cacheControl, expected) => {
    expect(shown(cacheControl)).toBe(expected);
  });

  test('no lifetime if the age cannot be read', () => {
    expect(shown('max-age=60', { age: '-1' })).toBe('max-age=0');
    expect(shown('', { age: '0, 0' })).toBe('max-age=0');
  });

  test('dates in the form that it can read', () => {
    expect(headersForPolicy(received({ expires: 'Thu Aug  8 02:01:18 2050', date: 'x' }), new Map())).toEqual(
      {
        expires: 'Mon, 08 Aug 2050 02:01:18 GMT',
        date: 'x',
        'cache-control': '',
      },
    );
  });
});
