import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Test } from 'jest-runner';
import { type PlannedSuite, UNMEASURED_SECONDS } from './plan.ts';
import { needsOf } from './suite-needs.ts';

/** Seconds by paths from the root, measured on two cores; suites that it does not name take little. */
const MEASURED: Record<string, number> = JSON.parse(
  readFileSync(new URL('./suite-seconds.json', import.meta.url), 'utf8'),
);

/** What a suite needs, and how long it takes: as jest remembers of earlier runs on this machine, or else as measured. */
export function planSuite(test: Test): PlannedSuite {
  const path = relative(test.context.config.rootDir, test.path);
  return {
    seconds: (test.duration ?? 0) / 1000 || (MEASURED[path] ?? UNMEASURED_SECONDS),
    needs: needsOf(path, readFileSync(test.path, 'utf8')),
  };
}
