import { expect, test } from '@jest/globals';
import { createAuthorize } from './tokens.ts';

test('signs once for each subject and role, and again well before the token expires', async () => {
  let now = 0;
  let signed = 0;
  const ends: number[] = [];
  const authorize = createAuthorize(
    async ({ subject, roles, ttlS }) => {
      signed++;
      ends.push(now + ttlS * 1000);
      return `${roles} ${subject} ${signed}`;
    },
    () => now,
  );
  expect(await authorize('ann', 'shopper')).toBe('Bearer shopper ann 1');
  expect(await authorize('ann', 'shopper')).toBe('Bearer shopper ann 1');
  expect(await authorize('ann', 'business')).toBe('Bearer business ann 2');
  now = ends[0]! - 60_000;
  expect(await authorize('ann', 'shopper')).toBe('Bearer shopper ann 3');
});
