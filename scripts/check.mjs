/** `npm run check`: format, lint, types, boundaries, unused code and the unit tests (all but test/). */
import './support/node-version.mjs';
import { runChecks, staticChecks, unitTests } from './support/checks.mjs';
import { ensureBuilt, ensureInstalled } from './support/prepare.mjs';

await ensureInstalled();
await ensureBuilt();
const failed = await runChecks([unitTests, ...staticChecks]);
if (failed.length > 0) {
  process.stdout.write(`\n${failed.length} failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}
