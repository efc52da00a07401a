import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** Runs our own command line as a user does, from the root; resolves to what it printed. Progress goes to our stderr. */
export async function referent(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['bin/referent.mjs', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  if (code === 0) return output;
  throw new Error(`referent ${args.join(' ')} ended with code ${String(code)}`);
}
