#!/usr/bin/env node
import '../scripts/support/node-version.mjs';
import { existsSync } from 'node:fs';

const main = new URL('../dist/apps/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write(
    'Referent is not built yet. Run `npm start` once in its folder (it installs, builds and serves the demo),\n' +
      'or `npm ci && npm run build`, then run this command again.\n',
  );
  process.exitCode = 1;
}
