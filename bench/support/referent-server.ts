import { readFile } from 'node:fs/promises';
import { ManagedProcess } from './managed-process.js';
import { Node } from './node.js';
import { processMemory } from './process-memory.js';

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

export async function startServer(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ReferentServer> {
  const start = performance.now();
  const server = new ManagedProcess({
    name: 'referent serve',
    args: ['serve'],
    // Requests repeat texts, and the model is to be measured.
    env: {
      PORT: '0',
      REFERENT_DATA_DIR: dataDir,
      REFERENT_LOG_LEVEL: 'warn',
      REFERENT_CACHE_MB: '0',
      ...env,
    },
    saysWhenUp: /listens on (http:\S+)/u,
  });
  const node = new Node(server);
  try {
    await server.start();
    await node.untilReady();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    url: node.url,
    millisecondsToReady: performance.now() - start,
    cpuSecondsToReady: await cpuSecondsOf(server.pid),
    stop: () => server.stop(),
    memory: () => memoryOf(server.pid),
  };
}

/** Linux only; null elsewhere. */
async function memoryOf(pid: number | undefined): Promise<Memory | null> {
  const megabytes = await processMemory(pid);
  if (megabytes === null) return null;
  return {
    resident: Math.round(megabytes('VmRSS')),
    ofFiles: Math.round(megabytes('RssFile')),
    peak: Math.round(megabytes('VmHWM')),
  };
}

/** Linux only; NaN elsewhere. */
async function cpuSecondsOf(pid: number | undefined): Promise<number> {
  try {
    const stat = await readFile(`/proc/${pid ?? 0}/stat`, 'utf8');
    // Fields 14 and 15 of proc(5), in ticks of 10 ms; the second field ends with a bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}
