import { expect, test } from '@jest/globals';
import { formatCacheStatus } from './cache-status.ts';

test.each([
  [{ ttlS: 30 }, 'cart; hit; ttl=30'],
  [{ fwd: 'uri-miss', fwdStatus: 200, stored: true }, 'cart; fwd=uri-miss; fwd-status=200; stored'],
  [
    { fwd: 'stale', ttlS: -5, collapsed: true, detail: 'origin-failed' },
    'cart; fwd=stale; ttl=-5; collapsed; detail=origin-failed',
  ],
] as const)('%j is told as %s', (told, expected) => {
  expect(formatCacheStatus('cart', told)).toBe(expected);
});

test('the entries of caches before it come first', () => {
  expect(formatCacheStatus('cart', {}, 'edge; hit')).toBe('edge; hit, cart; hit');
});
