import { availableParallelism } from 'node:os';
import { nodeTool, runQuiet } from './run.mjs';

const cache = 'node_modules/.cache/referent';

/** What `npm run check` looks at besides the tests, the slowest first so that two cores end together. */
export const staticChecks = [
  {
    name: 'lint',
    command: nodeTool(
      'eslint/bin/eslint.js',
      '.',
      '--max-warnings=0',
      '--cache',
      '--cache-strategy=content',
      `--cache-location=${cache}/eslint`,
    ),
  },
  {
    name: 'types',
    command: nodeTool(
      'typescript/bin/tsc',
      '--noEmit',
      '--incremental',
      '--tsBuildInfoFile',
      `${cache}/types.tsbuildinfo`,
    ),
  },
  {
    name: 'boundaries',
    command: nodeTool(
      'dependency-cruiser/bin/dependency-cruise.mjs',
      'apps',
      'libs',
      '--config=.dependency-cruiser.cjs',
    ),
  },
  { name: 'unused', command: nodeTool('knip/bin/knip.js') },
  {
    name: 'format',
    command: nodeTool(
      'prettier/bin/prettier.cjs',
      '--check',
      '--log-level=warn',
      '--cache',
      '--cache-strategy=content',
      `--cache-location=${cache}/prettier`,
      '.',
    ),
  },
];

export const jest = (...args) => [
  process.execPath,
  '--experimental-vm-modules',
  '--no-warnings',
  'node_modules/jest/bin/jest.js',
  ...args,
];

export const unitTests = {
  name: 'unit tests',
  command: jest('--testPathIgnorePatterns=<rootDir>/test/', '--maxWorkers=50%'),
};

/**
 * Runs independent checks, as many at once as there are cores, and prints each when it is done: one line where it
 * passed, everything it said where not. Resolves to the names of those that failed.
 */
export async function runChecks(checks) {
  const waiting = [...checks];
  const failed = [];
  const lane = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      if (!(await runCheck(check))) failed.push(check.name);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane));
  return failed;
}

async function runCheck({ name, command }) {
  const since = performance.now();
  const { code, output } = await runQuiet(command);
  const took = `${((performance.now() - since) / 1000).toFixed(1)} s`;
  process.stdout.write(
    code === 0 ? `✓ ${name} (${took})\n` : `✗ ${name} (${took}, exit code ${code})\n${output}\n`,
  );
  return code === 0;
}
