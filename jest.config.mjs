/** Slow suites (whole processes, kill -9, the demo KB) live in test/; `npm run check` runs all but those. */
export default {
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  testEnvironment: '<rootDir>/test/support/jest-environment.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
        },
        module: { type: 'es6' },
      },
    ],
  },
  testMatch: ['<rootDir>/{apps,libs,test,bench}/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist'],
  // Many suites wait for processes that they end and begin again: as many at a time as there are cores.
  maxWorkers: '100%',
  testTimeout: 60_000,
};
