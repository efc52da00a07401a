/**
 * Writes docs/performance.md from the lines of the last run of each bench: `npm run bench` does it at its end.
 *
 *   node dist/bench/performance.js FOLDER
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { readRuns } from './performance/lines.js';
import { performancePage } from './performance/page.js';

const { values: options, positionals } = parseArgs({
  options: { out: { type: 'string', default: 'docs/performance.md' } },
  allowPositionals: true,
});

await writeFile(options.out, performancePage(await readRuns(positionals[0] ?? '.referent/bench')));
process.stderr.write(`Written: ${options.out}\n`);
