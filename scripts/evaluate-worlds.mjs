/** `npm run evaluate:worlds`: the table of docs/accuracy.md, made again where a model or a setting changed. */
import './support/node-version.mjs';
import { ensureBuilt, ensureInstalled } from './support/prepare.mjs';
import { runLive } from './support/run.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await runLive([
  process.execPath,
  'dist/bench/worlds.js',
  ...process.argv.slice(2),
]);
