import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative } from 'node:path';
import type { TestSequencerOptions } from '@jest/test-sequencer';
import { describeEngines } from './found-engines.ts';
import { describePlan, UNMEASURED_SECONDS } from './plan.ts';
import { isQuick, needsOf } from './suite-needs.ts';

// Its types are those of a CommonJS module, whose default export an import does not find.
const { default: TestSequencer }: typeof import('@jest/test-sequencer') = createRequire(import.meta.url)(
  '@jest/test-sequencer',
);

/** Seconds by paths from the root, measured on two cores; suites that it does not name take little. */
const MEASURED: Record<string, number> = JSON.parse(
  readFileSync(new URL('./suite-seconds.json', import.meta.url), 'utf8'),
);

type Tests = Parameters<InstanceType<typeof TestSequencer>['sort']>[0];

/** Chooses the suites of `--quick`, puts the longest first, and says what is going to run and how long it takes. */
export default class Sequencer extends TestSequencer {
  readonly #globalConfig: TestSequencerOptions['globalConfig'];

  constructor(options: TestSequencerOptions) {
    super(options);
    this.#globalConfig = options.globalConfig;
  }

  override async sort(tests: Tests): Promise<Tests> {
    const quick = process.env.TEST_QUICK === 'true';
    // What jest remembers of earlier runs on this machine is in `duration`.
    const suites = [...(await super.sort(tests))]
      .map((test) => {
        const path = relative(test.context.config.rootDir, test.path);
        const seconds = (test.duration ?? 0) / 1000 || (MEASURED[path] ?? UNMEASURED_SECONDS);
        return { test, seconds, needs: needsOf(path, readFileSync(test.path, 'utf8')) };
      })
      .filter(({ needs }) => !quick || isQuick(needs))
      .sort((a, b) => b.seconds - a.seconds);
    const { maxWorkers, testNamePattern: named, watch, watchAll } = this.#globalConfig;
    if (!watch && !watchAll && suites.length > 0) {
      // On standard error, where jest reports too, for standard output may be the JSON report's.
      process.stderr.write(`${describePlan(maxWorkers, suites, { named, quick })}\n`);
      process.stderr.write(`${await describeEngines(suites.map(({ needs }) => needs))}\n\n`);
    }
    return suites.map(({ test }) => test);
  }
}
