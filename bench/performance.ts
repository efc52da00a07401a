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

/** Figures of runs that take too long to be made anew each time, copied here from where `npm run bench` keeps them. */
const RECORDS = 'bench/records';

const runs = await readRuns(positionals[0] ?? '.referent/bench');
await writeFile(options.out, performancePage([...runs, ...(await readRuns(RECORDS))]));
process.stderr.write(`Written: ${options.out}\n`);
