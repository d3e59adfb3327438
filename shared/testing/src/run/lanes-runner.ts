import { createRequire } from 'node:module';
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
import { planSuite } from './planned-suite.ts';

// Its types are those of a CommonJS module, whose default export an import does not find.
const { default: TestRunner }: typeof import('jest-runner') = createRequire(import.meta.url)('jest-runner');
type TestRunner = InstanceType<typeof TestRunner>;

/**
 * A runner of jest's with two lanes side by side: some workers run the heavy suites, of which no more may run at once, and
 * the others run all the rest. To jest it is one run, with one report.
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
    const suites = tests.map((test) => ({ test, ...planSuite(test) }));
    const lanes = splitWorkers(this.#globalConfig.maxWorkers, suites);
    const testsOf = (isHeavy: boolean) =>
      suites.filter(({ needs }) => needs.heavy === isHeavy).map(({ test }) => test);
    await Promise.all([
      lanes.heavy > 0 && this.#lane(lanes.heavy).runTests(testsOf(true), watcher, options),
      lanes.light > 0 && this.#lane(lanes.light).runTests(testsOf(false), watcher, options),
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
