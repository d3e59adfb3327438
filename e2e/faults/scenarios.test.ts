import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { SCENARIOS } from './scenarios.ts';

test('each scenario has a suite of its own', () => {
  const suites = readdirSync(new URL('./scenarios', import.meta.url));
  expect(suites.toSorted()).toEqual(
    Object.keys(SCENARIOS)
      .map((name) => `${name}.e2e.test.ts`)
      .toSorted(),
  );
});
