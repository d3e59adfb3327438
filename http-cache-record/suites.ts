/**
 * The tests of http-tests/cache-tests: all of them, also those that it would run only in a browser or only outside one. A
 * private cache of a service is neither. To be imported once it is installed.
 */
import allButSurrogates from 'http-cache-tests/tests/index.mjs';
import surrogates from 'http-cache-tests/tests/surrogate-control.mjs';
import type { Suite } from './suite.ts';

export const suites: readonly Suite[] = [...allButSurrogates, surrogates];

for (const { tests } of suites)
  for (const test of tests) {
    delete test.browser_only;
    delete test.browser_skip;
  }
