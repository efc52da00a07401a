import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const STOP_WITHIN_MS = 15_000;

export interface Launch {
  readonly name: string;
  /** Arguments of `referent`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What it writes to stdout when it can be used. */
  readonly saysWhenUp: RegExp;
}

/** A `referent` process that is ended and begun again, as an operator's supervisor would. */
export class ManagedProcess {
  private child: ChildProcess | undefined;
  /** What `saysWhenUp` found in its first group, its address say. */
  said = '';
  kills = 0;
  /** When it was last killed, on the clock of `performance.now()`; -Infinity for never. */
  killedAt = -Infinity;

  constructor(private readonly launch: Launch) {
    // Whatever ends this process, none of its servers outlives it.
    process.on('exit', () => this.child?.kill('SIGKILL'));
  }

  get name(): string {
    return this.launch.name;
  }

  async start(): Promise<void> {
    const { args, env, saysWhenUp, name } = this.launch;
    const child = spawn(process.execPath, ['bin/referent.mjs', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    this.child = child;
    let text = '';
    this.said = await new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (more: string) => {
        text += more;
        const found = saysWhenUp.exec(text);
        if (found !== null) resolve(found[1] ?? '');
      });
      child.once('exit', () => {
        reject(new Error(`${name} ended before it was up: ${text}`));
      });
    });
    child.stdout.on('data', () => undefined);
  }

  /** kill -9, and begun again. */
  async killAndRestart(): Promise<void> {
    this.kills += 1;
    this.killedAt = performance.now();
    await this.end('SIGKILL');
    await this.start();
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** In good order; at once where that takes too long. */
  async stop(): Promise<void> {
    const late = setTimeout(() => this.child?.kill('SIGKILL'), STOP_WITHIN_MS);
    await this.end('SIGTERM');
    clearTimeout(late);
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }
}
