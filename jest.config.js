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
  globalSetup: './shared/testing/src/global-setup.ts',
  globalTeardown: './shared/testing/src/global-teardown.ts',
  reporters: ['default', './shared/testing/src/skipped-engines.ts'],
  testTimeout: 60_000,
};
