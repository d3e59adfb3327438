import { availableParallelism, totalmem } from 'node:os';

/** Most suites wait most of the time, so two to a core; each worker with what it starts takes about a gigabyte. */
const WORKERS_PER_CORE = 2;
const WORKER_BYTES = 2 ** 30;
const fitting = Math.floor(totalmem() / 2 / WORKER_BYTES);

export default {
  testEnvironment: 'node',
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  setupFiles: ['./shared/testing/src/hold-to-declarations.ts'],
  runner: './shared/testing/src/run/lanes-runner.ts',
  testSequencer: './shared/testing/src/run/sequencer.ts',
  maxWorkers: Math.max(1, Math.min(WORKERS_PER_CORE * availableParallelism(), fitting)),
  // Modules of suites that have ended stay in memory; a worker that holds so much is replaced.
  workerIdleMemoryLimit: '512MB',
  globalSetup: './shared/testing/src/global-setup.ts',
  globalTeardown: './shared/testing/src/global-teardown.ts',
  reporters: ['default', './shared/testing/src/skipped-engines.ts'],
  testTimeout: 60_000,
};
