import { expect, test } from '@jest/globals';
import { parseHttpDate } from './http-date.ts';

const nowMs = Date.parse('2026-11-01T09:30:00Z');

test.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
  ['Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
  ['Thursday, 18-Aug-50 02:01:18 GMT', '2050-08-18T02:01:18.000Z'],
  ['Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37.000Z'],
])('reads %s', (text, expected) => {
  expect(new Date(parseHttpDate(text, nowMs)).toISOString()).toBe(expected);
});

test.each([undefined, '', 'soon', 'Sunday, 06-Nom-94 08:49:37 GMT'])('reads %j as no date', (text) => {
  expect(parseHttpDate(text, nowMs)).toBeNaN();
});
