import { expect, test } from '@jest/globals';
import { warnWhenUnavailable } from './warn-when-unavailable.ts';

test('says why the catalog is away, and not again with every request', async () => {
  let why: string | undefined;
  let nowMs = 1_000_000;
  const said: string[] = [];
  const copies = warnWhenUnavailable(
    {
      cached: () => undefined,
      get: async () => ({ catalog: 'unavailable', copies: new Map(), ageMs: 0, freshForMs: 0, why }),
    },
    { warn: (text) => said.push(text), clock: () => nowMs },
  );
  await copies.get(['1']);
  expect(said).toEqual([]);
  why = 'refused';
  for (let n = 0; n < 5; n += 1) await copies.get(['1']);
  expect(said).toEqual(['refused']);
  nowMs += 10_000;
  await copies.get(['1']);
  expect(said).toEqual(['refused', 'refused']);
});
