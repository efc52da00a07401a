/**
 * `npm run bench:peers -- [--rerank 400] [--seed 1] [--worlds craft disease] [--train-mentions 2000]
 * [--most-entities 50000]`: measures other tools on the mentions of docs/accuracy.md (bench/peers). The first two are as
 * `npm run evaluate:worlds` was or will be told: they say which mentions. Needs Python 3.11 or newer and, once, some
 * gigabytes from the Python package index. The page takes the figures up at its next `npm run evaluate:worlds`.
 */
import './support/node-version.mjs';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled } from './support/prepare.mjs';
import { ensurePython } from './support/python.mjs';
import { root, runLive } from './support/run.mjs';

const forSamples = ['--rerank', '--seed'];
const given = process.argv.slice(2);
const isForSamples = (_, at) => [at, at - 1].some((place) => forSamples.includes(given[place]));

await ensureInstalled();
await ensureBuilt();
const folder = join(root, 'node_modules', '.cache', 'referent', 'peers');
mkdirSync(folder, { recursive: true });
const python = await ensurePython(folder, join(root, 'bench', 'peers', 'requirements.txt'));

const plan = join(folder, 'plan.json');
const samples = [process.execPath, 'dist/bench/worlds.js', '--plan', plan].concat(
  given.filter(isForSamples),
);
const peers = [python, 'bench/peers/peers.py', plan].concat(
  given.filter((...each) => !isForSamples(...each)),
);
// Everything is in the packages: nothing is to be asked of a hub of models.
const offline = { HF_HUB_OFFLINE: '1', TOKENIZERS_PARALLELISM: 'false' };
process.exitCode = (await runLive(samples)) || (await runLive(peers, offline));
