import { expect, test } from '@jest/globals';
import { type ChangeId, formatChangeId, type KeptChanges, lostSince, parseChangeId } from './change-id.ts';

const ID: ChangeId = { origin: '3f2a9c1e', generation: 2, xid: 81_234n };
const KEPT: KeptChanges = { ...ID, first: 100n, last: 200n, above: [205n] };

test('an id is read as it was written', () => {
  expect(parseChangeId(formatChangeId(ID))).toEqual(ID);
  const largest = { ...ID, xid: 2n ** 64n - 1n };
  expect(parseChangeId(formatChangeId(largest))).toEqual(largest);
});

test.each([
  '',
  '7',
  '3f2a9c1e/2',
  '3f2a9c1e/2@',
  '3f2a9c1e/2@-1',
  'cart-3f2a9c1e/2@1',
  ' 3f2a9c1e/2@1',
  '3F2A9C1E/2@1',
])('no other text is an id: %j', (text) => {
  expect(parseChangeId(text)).toBeUndefined();
});

test('changes are complete after each id of the same history from the oldest one kept on', () => {
  for (const xid of [100n, 150n, 200n]) expect(lostSince({ ...ID, xid }, KEPT)).toBeUndefined();
  expect(lostSince({ ...ID, xid: 99n }, KEPT)).toBe('expired');
});

test('an id of another database, generation or future is replaced, and so is none', () => {
  const xid = 150n;
  expect(lostSince({ ...ID, xid, origin: '00000000' }, KEPT)).toBe('replaced');
  expect(lostSince({ ...ID, xid, generation: 1 }, KEPT)).toBe('replaced');
  expect(lostSince({ ...ID, xid: 201n }, KEPT)).toBe('replaced');
  expect(lostSince(undefined, KEPT)).toBe('replaced');
});
