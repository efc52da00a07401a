/**
 * `npm run bench:peers -- [accuracy|speed] [OPTION…]`: measures other tools (bench/peers); both parts unless one is named.
 *
 * accuracy [--rerank 400] [--seed 1] [--worlds craft disease] [--train-mentions 2000] [--most-entities 50000]: on the
 * mentions of docs/accuracy.md. The first two are as `npm run evaluate:worlds` was or will be told: they say which
 * mentions. The page takes the figures up at its next `npm run evaluate:worlds`.
 *
 * speed [--worlds attack,disease] [--entities 5000] [--mentions 60] … (bench/peers.ts): documents a second, memory and
 * start-up beside `referent serve`, for docs/performance.md.
 *
 * Needs Python 3.11 or newer and, once, some gigabytes from the Python package index, which are kept in
 * $REFERENT_PEERS_DIR (default node_modules/.cache/referent/peers).
 */
import './support/node-version.mjs';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureBuilt, ensureInstalled, fail } from './support/prepare.mjs';
import { ensurePython } from './support/python.mjs';
import { recordBench, writePage } from './support/record-bench.mjs';
import { root, runLive } from './support/run.mjs';

const PARTS = { accuracy, speed };

const [first = '', ...given] = process.argv.slice(2);
const isNamed = Object.hasOwn(PARTS, first);
if (first !== '' && !isNamed)
  fail(`Options are for one part: ${Object.keys(PARTS).join(' or ')} first.`);
const parts = isNamed ? [first] : Object.keys(PARTS);

await ensureInstalled();
await ensureBuilt();
const cache = join(root, 'node_modules', '.cache', 'referent', 'peers');
const folder = resolve(process.env.REFERENT_PEERS_DIR ?? cache);
mkdirSync(folder, { recursive: true });
const python = await ensurePython(folder, join(root, 'bench', 'peers', 'requirements.txt'));
for (const part of parts) process.exitCode ||= await PARTS[part]();

async function accuracy() {
  const forSamples = ['--rerank', '--seed'];
  const isForSamples = (_, at) => [at, at - 1].some((place) => forSamples.includes(given[place]));
  const plan = join(folder, 'plan.json');
  const samples = [process.execPath, 'dist/bench/worlds.js', '--plan', plan].concat(
    given.filter(isForSamples),
  );
  const peers = [python, 'bench/peers/peers.py', plan].concat(
    given.filter((...each) => !isForSamples(...each)),
  );
  // Everything is in the packages: nothing is to be asked of a hub of models.
  const offline = { HF_HUB_OFFLINE: '1', TOKENIZERS_PARALLELISM: 'false' };
  return (await runLive(samples)) || (await runLive(peers, offline));
}

async function speed() {
  const own = ['--python', python, '--folder', join(folder, 'speed')];
  const code = await recordBench('peers.bench', [
    process.execPath,
    'dist/bench/peers.js',
    ...own,
    ...given,
  ]);
  await writePage();
  return code;
}
