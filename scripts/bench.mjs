/**
 * `npm run bench [NAME…]`: runs bench/*.bench.ts (all, or those whose name holds one of the words given), one after
 * another, each in a process of its own. They print JSON lines to stdout; names and times go to stderr.
 */
import './support/node-version.mjs';
import { readdirSync } from 'node:fs';
import { ensureBuilt, ensureInstalled, fail } from './support/prepare.mjs';
import { root, runLive } from './support/run.mjs';

const words = process.argv.slice(2);
const benches = readdirSync(`${root}/bench`)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace(/\.ts$/u, ''))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort();
if (benches.length === 0) fail(`No bench in bench/ is named like ${words.join(', ')}.`);

await ensureInstalled();
await ensureBuilt();
for (const name of benches) {
  process.stderr.write(`# ${name}\n`);
  const code = await runLive([process.execPath, `dist/bench/${name}.js`]);
  if (code !== 0) process.exitCode = code;
  if (code === 130) break;
}
