/**
 * `npm start`: installs, builds and imports the demo KB where that is still to do, then serves the API. When all is
 * there it only compares hashes, and the server is ready in under three seconds.
 */
import './support/node-version.mjs';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt, ensureInstalled, fail, textOf } from './support/prepare.mjs';
import { root, runLive } from './support/run.mjs';

const DEMO = join(root, 'kb', 'demo', 'entities.jsonl');
const BIN = join(root, 'bin', 'referent.mjs');

await ensureInstalled();
await ensureBuilt();
const settings = await readSettings();
await ensureDemo(settings);
process.argv.splice(1, process.argv.length, BIN, 'serve', ...process.argv.slice(2));
await import(pathToFileURL(BIN).href);

async function readSettings() {
  const module = pathToFileURL(join(root, 'dist', 'libs', 'config', 'settings.js'));
  const { loadSettings } = await import(module.href);
  try {
    return loadSettings();
  } catch (error) {
    return fail(error.message);
  }
}

/** The stamp lies in the KB's folder: where the KB is dropped, the demo is imported again. */
async function ensureDemo({ dataDir, modelDir }) {
  const stamp = join(dataDir, 'kbs', 'demo', '.imported-by-npm-start');
  const wanted = demoHash(modelDir);
  if (textOf(stamp) === wanted) return;
  process.stderr.write('Importing the demo KB (kb/demo) as "demo"\n');
  const code = await runLive([process.execPath, BIN, 'import', DEMO, '--kb', 'demo']);
  if (code !== 0) process.exit(code);
  writeFileSync(stamp, wanted);
}

/** Vectors belong to a model, so another model means another import. */
function demoHash(modelDir) {
  const hash = createHash('sha256').update(readFileSync(DEMO));
  const manifest = join(modelDir, 'manifest.json');
  if (existsSync(manifest)) hash.update(readFileSync(manifest));
  return hash.digest('hex');
}
