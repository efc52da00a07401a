import { parseArgs } from 'node:util';
import { DOCUMENTS } from './service/documents.js';
import { generatedTitles, importGeneratedKb } from './service/generated-kb.js';
import { annotateUnderLoad, type Loaded } from './service/load.js';
import { importDemoInto } from './support/demo-kb.js';
import { median, printFigure, quantile, rounded } from './support/figures.js';
import { startServer, type ReferentServer } from './support/referent-server.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * `referent serve` as a process of its own: start-up and memory with 100,000 entities, requests a second with the
 * demo KB. The 100,000 have generated texts and random vectors in clusters, stored and indexed by the import's own
 * code: opening and serving are measured, not quality.
 *
 *   node dist/bench/service.bench.js [--entities 100000] [--starts 3] [--requests 100]
 */
const { values: options } = parseArgs({
  options: {
    entities: { type: 'string', default: '100000' },
    starts: { type: 'string', default: '3' },
    // A round; there are two rounds at 1 and two at 8 clients.
    requests: { type: 'string', default: '100' },
  },
});

const BENCH = 'service';
const GOALS = { seconds: 3, megabytes: 700 };
const CLIENTS = [1, 8] as const;
const ROUNDS = 2;
const ROUND_MS = 10_000;

async function importGenerated(dataDir: string, count: number): Promise<void> {
  const { entities, names, seconds } = await importGeneratedKb(dataDir, 'generated', count);
  const { read, index, commit } = seconds;
  printFigure(BENCH, 'generated KB', {
    entities,
    names,
    vectors: 'clusters of random unit vectors',
    secondsToImport: {
      read: rounded(read, 1),
      index: rounded(index, 1),
      commit: rounded(commit, 1),
    },
  });
}

async function measureMemory(server: ReferentServer, when: string): Promise<void> {
  const memory = await server.memory();
  if (memory === null) return;
  const { resident: value, ...rest } = memory;
  const goal = GOALS.megabytes;
  printFigure(BENCH, 'memory', {
    when,
    value,
    unit: 'MB',
    ...rest,
    goal,
    ratio: rounded(value / goal),
  });
}

/** Starts follow one another, so the files are in the system's cache: a warm start. */
async function measureStarts(dataDir: string): Promise<void> {
  const seconds: number[] = [];
  const cpuSeconds: number[] = [];
  for (let start = 1; start <= Number(options.starts); start++) {
    const server = await startServer(dataDir);
    try {
      seconds.push(server.millisecondsToReady / 1_000);
      cpuSeconds.push(server.cpuSecondsToReady);
      if (start === Number(options.starts)) {
        await measureMemory(server, 'ready');
        await measureLargeKb(server);
        await measureMemory(server, 'after the requests');
      }
    } finally {
      await server.stop();
    }
  }
  const value = rounded(median(seconds), 2);
  const all = seconds.map((each) => rounded(each, 2));
  const goal = GOALS.seconds;
  printFigure(BENCH, 'start-up', {
    value,
    unit: 's',
    goal,
    ratio: rounded(value / goal),
    cpuSeconds: rounded(median(cpuSeconds), 2),
    all,
  });
}

async function measureLargeKb({ url }: ReferentServer): Promise<void> {
  const titles = generatedTitles(40);
  const texts = titles.map((title, at) => `We saw ${title} near ${titles.at(at - 1) ?? ''} today.`);
  // Reranking may take seconds on a busy machine.
  const requests = { none: 40, adaptive: 6 };
  for (const rerank of ['none', 'adaptive'] as const) {
    const load = { url, texts, rerank, clients: 1, forMilliseconds: ROUND_MS };
    await annotateUnderLoad({ ...load, requests: 1 });
    const { milliseconds } = await annotateUnderLoad({ ...load, requests: requests[rerank] });
    printFigure(BENCH, 'annotate, large KB', {
      rerank,
      value: rounded(median(milliseconds), 1),
      unit: 'ms',
      p99: rounded(quantile(milliseconds, 0.99), 1),
      requests: milliseconds.length,
    });
  }
}

function together(rounds: readonly Loaded[]): Loaded {
  return {
    milliseconds: rounds.flatMap(({ milliseconds }) => milliseconds),
    seconds: rounds.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

/** 1 and 8 clients in turns, so that other work on the machine hits both. */
async function measureThroughput(dataDir: string): Promise<void> {
  const server = await startServer(dataDir);
  try {
    const rounds = new Map<number, Loaded[]>(CLIENTS.map((clients) => [clients, []]));
    const load = { url: server.url, texts: DOCUMENTS, forMilliseconds: ROUND_MS };
    await annotateUnderLoad({ ...load, clients: 1, requests: DOCUMENTS.length });
    for (let round = 0; round < ROUNDS; round++) {
      for (const clients of CLIENTS) {
        const requests = Number(options.requests);
        rounds.get(clients)?.push(await annotateUnderLoad({ ...load, clients, requests }));
      }
    }
    reportThroughput(rounds);
  } finally {
    await server.stop();
  }
}

function reportThroughput(rounds: ReadonlyMap<number, readonly Loaded[]>): void {
  let ofOne = Number.NaN;
  for (const [clients, loaded] of rounds) {
    const { milliseconds, seconds } = together(loaded);
    const rate = milliseconds.length / seconds;
    if (clients === 1) ofOne = rate;
    printFigure(BENCH, 'throughput', {
      clients,
      value: rounded(rate, 2),
      unit: 'requests a second',
      ratioToOneClient: rounded(rate / ofOne),
      p50: rounded(median(milliseconds), 1),
      p99: rounded(quantile(milliseconds, 0.99), 1),
      requests: milliseconds.length,
    });
  }
}

await withTemporaryFolder(async (dataDir) => {
  await importDemoInto(dataDir);
  await measureThroughput(dataDir);
});
await withTemporaryFolder(async (dataDir) => {
  await importGenerated(dataDir, Number(options.entities));
  await measureStarts(dataDir);
});
