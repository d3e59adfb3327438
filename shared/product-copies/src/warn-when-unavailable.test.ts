import { expect, test } from '@jest/globals';
import { warnWhenUnavailable } from './warn-when-unavailable.ts';

test('warns why the catalog is unavailable, but not at every request', async () => {
  let why: string | undefined;
  let nowMs = 1_000_000;
  const warnings: string[] = [];
  const copies = warnWhenUnavailable(
    {
      cached: () => undefined,
      get: async () => ({ catalog: 'unavailable', copies: new Map(), ageMs: 0, freshForMs: 0, why }),
    },
    { warn: (text) => warnings.push(text), clock: () => nowMs },
  );
  await copies.get(['1']);
  expect(warnings).toEqual([]);
  why = 'refused';
  for (let n = 0; n < 5; n += 1) await copies.get(['1']);
  expect(warnings).toEqual(['refused']);
  nowMs += 10_000;
  await copies.get(['1']);
  expect(warnings).toEqual(['refused', 'refused']);
});
