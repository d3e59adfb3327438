import { expect, test } from '@jest/globals';
import { createPace, restMs } from './pace.ts';

test.each([
  [0, 0],
  [6, 12],
  [250, 500],
  [30_000, 500],
])('after %d ms of work it rests for %d ms', (workedMs, expected) => {
  expect(restMs(workedMs)).toBe(expected);
});

test('concurrent work runs one after another, in the order of the calls', async () => {
  const pace = createPace();
  const seen: string[] = [];
  const work = (name: string) =>
    pace(async () => {
      seen.push(`${name} begins`);
      await new Promise(setImmediate);
      seen.push(`${name} ends`);
      return name;
    });
  expect(await Promise.all([work('a'), work('b')])).toEqual(['a', 'b']);
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('work that fails rejects its own call, and delays no other', async () => {
  const pace = createPace();
  const failing = pace(() => Promise.reject(new Error('no')));
  const other = pace(async () => 'done');
  await expect(failing).rejects.toThrow('no');
  expect(await other).toBe('done');
});
