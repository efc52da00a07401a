import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync } from 'node:fs';

const BIN = 'bin/referent.mjs';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** What was written so far. */
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<Ended>;
}

/** The command line as it is shipped, over a data folder of the test's own. */
export class ReferentProcess {
  constructor(private readonly environment: Readonly<Record<string, string>>) {
    if (!existsSync('dist/apps/cli/main.js')) {
      throw new Error('dist/ is missing: run `npm run build`, or `npm test`, which builds first');
    }
  }

  start(...args: readonly string[]): Running {
    const child = spawn(process.execPath, [BIN, ...args], {
      env: { ...process.env, ...this.environment },
    });
    // A process that ends early closes its stdin under our writing.
    child.stdin.on('error', () => undefined);
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code) => {
        resolve({ code, ...output });
      });
    });
    return { child, output, ended };
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.runWith('', ...args);
  }

  runWith(stdin: string, ...args: readonly string[]): Promise<Ended> {
    const { child, ended } = this.start(...args);
    child.stdin.end(stdin);
    return ended;
  }
}

/** Waits until `condition` gives something. */
export async function until<T>(condition: () => T | undefined | null | false): Promise<T> {
  for (;;) {
    const value = condition();
    if (value !== undefined && value !== null && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
