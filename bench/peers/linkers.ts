import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { GoldDocument } from '../../libs/evaluation/gold.js';
import { processMemory } from '../support/process-memory.js';
import type { ReferentServer } from '../support/referent-server.js';

/** A linker in a process of its own that is asked one document at a time, its mentions given. */
export interface PeerLinker {
  readonly name: string;
  /** From the start of its process until it can be asked. */
  readonly startSeconds: number;
  /** The entity of each mention, its first candidate; null where it has none. */
  link(document: GoldDocument): Promise<readonly (string | null)[]>;
  /** 10^6 bytes; null but on Linux. */
  residentMegabytes(): Promise<number | null>;
  stop(): Promise<void>;
}

export interface PythonCommand {
  readonly python: string;
  readonly folder: string;
  readonly threads: number;
}

export const PYTHON_LINKERS = {
  top100: 'sentence-transformers + FAISS + CrossEncoder, top 100',
  top10: 'the same, top 10',
  spacy: 'spaCy EntityLinker',
  trigrams: "scispaCy's method: TF-IDF of char 3-grams",
  bm25: 'BM25 (bm25s)',
} as const;

export type PythonLinkerName = keyof typeof PYTHON_LINKERS;

/** `python bench/peers/speed.py`; fails where it ends with a code other than 0. */
export async function preparePython(
  name: PythonLinkerName,
  { python, folder, threads }: PythonCommand,
  options: readonly string[],
): Promise<number> {
  const since = performance.now();
  const args = ['bench/peers/speed.py', 'prepare', name, folder, '--threads', String(threads)];
  const child = spawn(python, [...args, ...options], {
    stdio: ['ignore', 2, 2],
    env: environment(threads),
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${name} was not prepared: code ${code ?? 'of a signal'}`);
  return (performance.now() - since) / 1_000;
}

/** Everything is in the packages: nothing is to be asked of a hub of models. */
function environment(threads: number): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HF_HUB_OFFLINE: '1',
    TOKENIZERS_PARALLELISM: 'false',
    OMP_NUM_THREADS: String(threads),
  };
}

export async function startPython(
  name: PythonLinkerName,
  { python, folder, threads }: PythonCommand,
): Promise<PeerLinker> {
  const since = performance.now();
  const args = ['bench/peers/speed.py', 'serve', name, folder, '--threads', String(threads)];
  const child = spawn(python, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: environment(threads),
  }) as unknown as ChildProcessWithoutNullStreams;
  process.on('exit', () => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`${name} ended`);
    return JSON.parse(line.value);
  };
  await next();
  return {
    name: PYTHON_LINKERS[name],
    startSeconds: (performance.now() - since) / 1_000,
    link: ({ text, mentions }) => {
      const spans = mentions.map(({ start, end }) => ({ start, end }));
      child.stdin.write(`${JSON.stringify({ text, mentions: spans })}\n`);
      return next() as Promise<(string | null)[]>;
    },
    residentMegabytes: async () => (await processMemory(child.pid))?.('VmRSS') ?? null,
    stop: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

interface Answer {
  readonly links: readonly { readonly candidates?: readonly { readonly entityId: string }[] }[];
}

/** Over HTTP with default options; `priors: false` leaves out what the KB has learned. */
export function referentLinker(server: ReferentServer, kb: string, priors: boolean): PeerLinker {
  return {
    name: priors ? 'Referent, after `learn`' : 'Referent',
    startSeconds: server.millisecondsToReady / 1_000,
    link: async ({ text, mentions }) => {
      const spans = mentions.map(({ start, end }) => ({ start, end }));
      const body = { text, kb, mentions: spans, options: { candidates: 1, priors } };
      const response = await fetch(`${server.url}/v1/annotate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`annotate answered ${response.status}`);
      const { links } = (await response.json()) as Answer;
      return links.map(({ candidates }) => candidates?.[0]?.entityId ?? null);
    },
    residentMegabytes: async () => (await server.memory())?.resident ?? null,
    stop: () => Promise.resolve(),
  };
}
