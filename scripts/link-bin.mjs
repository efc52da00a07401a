/**
 * Puts our own command beside those of our dependencies after an install, so that `npx referent` in this folder
 * starts it at once: npm links the commands of dependencies only, and npx would link ours into a cache of its own.
 */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../node_modules/.bin', import.meta.url));
if (existsSync(join(folder, '..'))) {
  mkdirSync(folder, { recursive: true });
  const link = join(folder, 'referent');
  rmSync(link, { force: true });
  if (process.platform === 'win32') {
    writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\bin\\referent.mjs" %*\r\n');
  } else {
    symlinkSync('../../bin/referent.mjs', link);
  }
}
