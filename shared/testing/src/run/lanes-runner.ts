import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative } from 'node:path';
import type {
  Config,
  EmittingTestRunnerInterface,
  Test,
  TestEvents,
  TestRunnerContext,
  TestRunnerOptions,
  TestWatcher,
  UnsubscribeFn,
} from 'jest-runner';
import { splitWorkers } from './plan.ts';
import { needsOf } from './suite-needs.ts';

// Its types are those of a CommonJS module, whose default export an import does not find.
const { default: TestRunner }: typeof import('jest-runner') = createRequire(import.meta.url)('jest-runner');
type TestRunner = InstanceType<typeof TestRunner>;

/**
 * A runner of jest's with two lanes side by side: one worker runs the suites that take turns, one after the other, and
 * the rest of the workers run all others. To jest it is one run, with one report.
 */
export default class LanesRunner implements EmittingTestRunnerInterface {
  readonly supportsEventEmitters = true;
  readonly #globalConfig: Config.GlobalConfig;
  readonly #context: TestRunnerContext;
  readonly #subscriptions: ((runner: TestRunner) => UnsubscribeFn)[] = [];
  #unsubscribe: UnsubscribeFn[] = [];

  constructor(globalConfig: Config.GlobalConfig, context: TestRunnerContext) {
    this.#globalConfig = globalConfig;
    this.#context = context;
  }

  async runTests(tests: Test[], watcher: TestWatcher, options: TestRunnerOptions): Promise<void> {
    if (options.serial) return this.#lane(1).runTests(tests, watcher, options);
    const kinds = Map.groupBy(tests, takesTurns);
    const inTurn = kinds.get(true) ?? [];
    const others = kinds.get(false) ?? [];
    const workers = splitWorkers(this.#globalConfig.maxWorkers, {
      inTurn: inTurn.length,
      others: others.length,
    });
    await Promise.all([
      inTurn.length > 0 && this.#lane(workers.inTurn).runTests(inTurn, watcher, options),
      others.length > 0 && this.#lane(workers.others).runTests(others, watcher, options),
    ]);
  }

  on<Name extends keyof TestEvents>(
    eventName: Name,
    listener: (eventData: TestEvents[Name]) => void | Promise<void>,
  ): UnsubscribeFn {
    this.#subscriptions.push((runner) => runner.on(eventName, listener));
    return () => {
      for (const unsubscribe of this.#unsubscribe) unsubscribe();
      this.#unsubscribe = [];
    };
  }

  #lane(maxWorkers: number): TestRunner {
    const runner = new TestRunner({ ...this.#globalConfig, maxWorkers }, this.#context);
    this.#unsubscribe.push(...this.#subscriptions.map((subscribe) => subscribe(runner)));
    return runner;
  }
}

const takesTurns = ({ path, context }: Test): boolean =>
  needsOf(relative(context.config.rootDir, path), readFileSync(path, 'utf8')).inTurn;
