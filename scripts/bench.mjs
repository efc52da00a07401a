/**
 * `npm run bench [NAME…]`: runs bench/*.bench.ts (all, or those whose name holds one of the words given), one after
 * another, each in a process of its own. They print JSON lines to stdout; names and times go to stderr. The lines of
 * each bench's last run are kept in .referent/bench/; when there are some of all, docs/performance.md is written.
 */
import './support/node-version.mjs';
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { machine } from './support/machine.mjs';
import { ensureBuilt, ensureInstalled, fail } from './support/prepare.mjs';
import { root, runHeard, runLive } from './support/run.mjs';

const words = process.argv.slice(2);
const all = readdirSync(`${root}/bench`)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace(/\.ts$/u, ''))
  .sort();
const benches = all.filter(
  (name) => words.length === 0 || words.some((word) => name.includes(word)),
);
if (benches.length === 0) fail(`No bench in bench/ is named like ${words.join(', ')}.`);
const folder = `${root}/.referent/bench`;
const fileOf = (name) => `${folder}/${name}.jsonl`;

await ensureInstalled();
await ensureBuilt();
mkdirSync(folder, { recursive: true });
const load = loadavg()[0];
for (const name of benches) {
  process.stderr.write(`# ${name}\n`);
  const code = await runBench(name);
  if (code !== 0) process.exitCode = code;
  if (code === 130) process.exit(130);
}
await writePage();

/** Lines are kept as they come, so that those of a bench that fails are not lost. */
async function runBench(name) {
  const keep = (line) => appendFileSync(fileOf(name), `${JSON.stringify(line)}\n`);
  writeFileSync(fileOf(name), '');
  keep({ bench: name, measure: 'run', machine: machine(), load: Number(load.toFixed(1)) });
  const since = performance.now();
  const code = await runHeard([process.execPath, `dist/bench/${name}.js`], (line) => {
    const figures = parsed(line);
    if (figures !== undefined) keep(figures);
  });
  const seconds = Math.round((performance.now() - since) / 1000);
  keep({ bench: name, measure: 'end', seconds, code });
  process.stderr.write(code === 0 ? `✓ ${seconds} s\n` : `✗ exit code ${code}, ${seconds} s\n`);
  return code;
}

function parsed(line) {
  try {
    const value = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

async function writePage() {
  const missing = all.filter((name) => !existsSync(fileOf(name)));
  if (missing.length > 0) {
    const names = missing.join(', ');
    process.stderr.write(`docs/performance.md is left as it is: ${names} never ran here.\n`);
    return;
  }
  const code = await runLive([process.execPath, 'dist/bench/performance.js', folder]);
  if (code !== 0) process.exitCode = code;
}
