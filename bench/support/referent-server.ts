import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';

type ServerProcess = ChildProcessByStdio<null, Readable, null>;

const READY_WITHIN_MS = 120_000;

/** A `referent serve` process of its own on a free port of loopback. */
export interface ReferentServer {
  readonly url: string;
  /** From spawning the process to the first 200 of /health/ready. */
  readonly millisecondsToReady: number;
  /** Of the processor, all threads: what other work on the machine does not change. NaN but on Linux. */
  readonly cpuSecondsToReady: number;
  memory(): Promise<Memory | null>;
  stop(): Promise<void>;
}

/** Megabytes (10^6 bytes). */
export interface Memory {
  readonly resident: number;
  /** Of the resident ones those that are pages of files: mapped index, libraries; the system takes them back at need. */
  readonly ofFiles: number;
  readonly peak: number;
}

export async function startServer(dataDir: string): Promise<ReferentServer> {
  const start = performance.now();
  const child = spawn(process.execPath, ['bin/referent.mjs', 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PORT: '0',
      REFERENT_DATA_DIR: dataDir,
      REFERENT_LOG_LEVEL: 'warn',
    },
  });
  // Whatever ends this process, the server does not outlive it.
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    await stopped(child);
  };
  try {
    const url = await listening(child);
    await untilReady(url, start);
    const millisecondsToReady = performance.now() - start;
    const cpuSecondsToReady = await cpuSecondsOf(child);
    return { url, millisecondsToReady, cpuSecondsToReady, stop, memory: () => memoryOf(child) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The URL that the server prints; fails where it ends before. */
function listening({ stdout }: ServerProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const url = /listens on (http:\S+)/u.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
    stdout.on('end', () => {
      reject(new Error(`referent serve ended before it listened: ${said}`));
    });
  });
}

async function untilReady(url: string, since: number): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/health/ready`);
    const problem = await response.text();
    if (response.ok) return;
    if (performance.now() - since > READY_WITHIN_MS) throw new Error(`never ready: ${problem}`);
    await wait(10);
  }
}

/** Linux only; null elsewhere. */
async function memoryOf({ pid }: ServerProcess): Promise<Memory | null> {
  try {
    const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8');
    const megabytes = (field: string) => {
      const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'mu').exec(status)?.[1];
      return Math.round((Number(kibibytes) * 1_024) / 1e6);
    };
    return {
      resident: megabytes('VmRSS'),
      ofFiles: megabytes('RssFile'),
      peak: megabytes('VmHWM'),
    };
  } catch {
    return null;
  }
}

/** Linux only; NaN elsewhere. */
async function cpuSecondsOf({ pid }: ServerProcess): Promise<number> {
  try {
    const stat = await readFile(`/proc/${pid ?? 0}/stat`, 'utf8');
    // Fields 14 and 15 of proc(5), in ticks of 10 ms; the second field ends with a bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}

async function stopped(child: ServerProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const patience = AbortSignal.timeout(15_000);
  const closed = once(child, 'close', { signal: patience });
  await closed.catch(() => child.kill('SIGKILL'));
}
