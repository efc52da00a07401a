/**
 * `npm run bench -- [NAME…] [-- OPTION…]`: runs bench/*.bench.ts (all, or those whose name holds one of the words given)
 * with the options, one after another, each in a process of its own. They print JSON lines to stdout; names and times go
 * to stderr. The lines of each bench's last run are kept in .referent/bench/; when there are some of all,
 * docs/performance.md is written.
 */
import './support/node-version.mjs';
import { ensureBuilt, ensureInstalled, fail } from './support/prepare.mjs';
import { BENCHES, recordBench, writePage } from './support/record-bench.mjs';

const given = process.argv.slice(2);
const end = given.includes('--') ? given.indexOf('--') : given.length;
const words = given.slice(0, end);
const benchOptions = given.slice(end + 1);
const benches = BENCHES.filter(
  (name) => words.length === 0 || words.some((word) => name.includes(word)),
);
if (benches.length === 0) fail(`No bench in bench/ is named like ${words.join(', ')}.`);

await ensureInstalled();
await ensureBuilt();
for (const name of benches) {
  process.stderr.write(`# ${name}\n`);
  const command = [process.execPath, `dist/bench/${name}.js`, ...benchOptions];
  const code = await recordBench(name, command);
  if (code !== 0) process.exitCode = code;
  if (code === 130) process.exit(130);
}
await writePage();
