import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { machine } from './machine.mjs';
import { root, runHeard, runLive } from './run.mjs';

const BENCH_FOLDER = `${root}/.referent/bench`;
const benchFile = (name) => `${BENCH_FOLDER}/${name}.jsonl`;

/** Names of bench/*.bench.ts, without `.ts`. */
export const BENCHES = readdirSync(`${root}/bench`)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.replace(/\.ts$/u, ''))
  .sort();

/** Before anything ran here. */
const load = loadavg()[0];

/**
 * Runs a bench and keeps the JSON lines that it prints in its file, those of its last run away. Lines are kept as they
 * come, so that those of a bench that fails are not lost. Gives its exit code.
 */
export async function recordBench(name, command) {
  mkdirSync(BENCH_FOLDER, { recursive: true });
  const keep = (line) => appendFileSync(benchFile(name), `${JSON.stringify(line)}\n`);
  writeFileSync(benchFile(name), '');
  keep({ bench: name, measure: 'run', machine: machine(), load: Number(load.toFixed(1)) });
  const since = performance.now();
  const code = await runHeard(command, (line) => {
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

/** docs/performance.md, where each of the benches ran here once. */
export async function writePage() {
  const missing = BENCHES.filter((name) => !existsSync(benchFile(name)));
  if (missing.length > 0) {
    const names = missing.join(', ');
    process.stderr.write(`docs/performance.md is left as it is: ${names} never ran here.\n`);
    return;
  }
  const code = await runLive([process.execPath, 'dist/bench/performance.js', BENCH_FOLDER]);
  if (code !== 0) process.exitCode = code;
}
