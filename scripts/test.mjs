/**
 * `npm test`: installs and builds what is missing, runs the static checks of `npm run check` and every Jest suite.
 * Arguments go to Jest (`npm test -- libs/kb`). Counts are left in node_modules/.cache/referent/tests.json.
 */
import './support/node-version.mjs';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { jest, runChecks, staticChecks } from './support/checks.mjs';
import { ensureBuilt, ensureInstalled } from './support/prepare.mjs';
import { runLive } from './support/run.mjs';

const folder = 'node_modules/.cache/referent';
const jestResult = `${folder}/jest.json`;

await ensureInstalled();
await ensureBuilt();
mkdirSync(folder, { recursive: true });
rmSync(jestResult, { force: true });

const failedChecks = await runChecks(staticChecks);
const code = await runLive(jest('--json', `--outputFile=${jestResult}`, ...process.argv.slice(2)), {
  NODE_ENV: 'test',
});
writeFileSync(`${folder}/tests.json`, JSON.stringify(counts()));
if (failedChecks.length > 0) {
  process.stdout.write(
    `\n${failedChecks.length} failed before the tests: ${failedChecks.join(', ')}\n`,
  );
}
process.exitCode = code !== 0 ? code : Math.min(1, failedChecks.length);

/** A suite that could not start, and a run that left no result, count as one failure each. */
function counts() {
  try {
    const result = JSON.parse(readFileSync(jestResult, 'utf8'));
    return {
      passed: result.numPassedTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites + failedChecks.length,
    };
  } catch {
    return { passed: 0, failed: 1 + failedChecks.length };
  }
}
