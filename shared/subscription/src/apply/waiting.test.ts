import { expect, test } from '@jest/globals';
import { createWaiting } from './waiting.ts';

const refused = Object.assign(new Error('permission denied for table counts'), { code: '42501' });
const full = Object.assign(new Error('could not extend file "base/1"'), { code: '53100' });

test('shows why a loop fails once it failed twice in a row, until it succeeds', () => {
  const waiting = createWaiting();
  waiting.failed('apply', refused);
  expect(waiting.current()).toBeUndefined();
  waiting.failed('apply', refused);
  expect(waiting.current()).toMatchObject({
    reason: 'apply: permission denied for table counts (SQLSTATE 42501)',
    publicReason: "the store's database refuses it (SQLSTATE 42501)",
  });
  waiting.succeeded('heads');
  expect(waiting.current()).toBeDefined();
  waiting.succeeded('apply');
  expect(waiting.current()).toBeUndefined();
});

test('asks for one log line for a full disk, not one for each attempt', () => {
  const waiting = createWaiting();
  expect([full, full, full, refused].map((error) => waiting.failed('apply', error))).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect([waiting.succeeded('apply'), waiting.succeeded('apply')]).toEqual([true, false]);
});

test('hides the error message from the public reason, and writes no NUL', () => {
  const waiting = createWaiting();
  for (let n = 0; n < 2; n += 1) waiting.failed('heads', new Error('the feed http://cart/events\0'));
  expect(waiting.current()!.publicReason).toBe("the owner's feed does not answer as it should");
  expect(waiting.current()!.reason).not.toContain('\0');
});
