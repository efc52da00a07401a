import { parseArgs } from 'node:util';

import { DOCUMENTS } from './service/documents.js';
import { annotateUnderLoad, overload, type Loaded } from './service/load.js';
import { ManagedProcess } from './support/managed-process.js';
import { Node } from './support/node.js';
import { importDemoInto } from './support/demo-kb.js';
import { median, printFigure, quantile, rounded } from './support/figures.js';
import { services } from './support/services.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * Reranking through Redis and workers beside reranking in the process, on the same cores: what the queue costs a
 * document, what two workers bring through, and what happens under more load than there is room for.
 *
 *   node dist/bench/queue.bench.js [--requests 100] [--rounds 3]
 */
const { values: options } = parseArgs({
  options: {
    requests: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
  },
});

const BENCH = 'queue';
const OVERHEAD_GOAL_MS = 10;
const CLIENTS = [1, 8, 64] as const;
const OVERLOAD_CLIENTS = 200;
const ROUND_MS = 15_000;

type Environment = Readonly<Record<string, string>>;

const api = (name: string, env: Environment) =>
  new ManagedProcess({ name, args: ['serve'], env, saysWhenUp: /listens on (http:\S+)/u });
const worker = (name: string, env: Environment) =>
  new ManagedProcess({
    name,
    args: ['worker', '--queues', 'rerank'],
    env,
    saysWhenUp: /takes (.+)/u,
  });

/** The same requests in turns to both, one at a time: the difference of the medians is what the queue costs. */
async function measureOverhead(inProcess: Node, queued: Node): Promise<void> {
  const times: { inProcess: number[]; queued: number[] } = { inProcess: [], queued: [] };
  const ask = async (node: Node, into: number[]) => {
    for (const text of DOCUMENTS) {
      const loaded = await annotateUnderLoad({ ...one(node, text), clients: 1 });
      into.push(...loaded.milliseconds);
    }
  };
  await ask(inProcess, []);
  await ask(queued, []);
  for (let round = 0; round < Number(options.rounds); round++) {
    await ask(inProcess, times.inProcess);
    await ask(queued, times.queued);
  }
  const overhead = median(times.queued) - median(times.inProcess);
  printFigure(BENCH, 'overhead', {
    value: rounded(overhead, 1),
    unit: 'ms a document',
    inProcess: rounded(median(times.inProcess), 1),
    queued: rounded(median(times.queued), 1),
    goal: OVERHEAD_GOAL_MS,
    ratio: rounded(overhead / OVERHEAD_GOAL_MS),
    documents: times.queued.length,
  });
}

const one = (node: Node, text: string) => ({
  url: node.url,
  texts: [text],
  requests: 1,
  forMilliseconds: ROUND_MS,
});

async function measureThroughput(inProcess: Node, queued: Node): Promise<void> {
  for (const clients of CLIENTS) {
    const rounds: Record<'inProcess' | 'queued', Loaded[]> = { inProcess: [], queued: [] };
    for (let round = 0; round < 2; round++) {
      for (const [how, node] of [
        ['inProcess', inProcess],
        ['queued', queued],
      ] as const) {
        const load = { url: node.url, texts: DOCUMENTS, forMilliseconds: ROUND_MS };
        rounds[how].push(
          await annotateUnderLoad({ ...load, clients, requests: Number(options.requests) }),
        );
      }
    }
    const inProcessRate = rateOf(rounds.inProcess);
    for (const how of ['inProcess', 'queued'] as const) {
      const milliseconds = rounds[how].flatMap((loaded) => loaded.milliseconds);
      printFigure(BENCH, 'throughput', {
        how,
        clients,
        value: rounded(rateOf(rounds[how]), 2),
        unit: 'requests a second',
        ratioToInProcess: rounded(rateOf(rounds[how]) / inProcessRate),
        p50: rounded(median(milliseconds), 1),
        p99: rounded(quantile(milliseconds, 0.99), 1),
        requests: milliseconds.length,
      });
    }
  }
}

function rateOf(rounds: readonly Loaded[]): number {
  const requests = rounds.reduce((sum, { milliseconds }) => sum + milliseconds.length, 0);
  return requests / rounds.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** More clients than there are places: the rest is refused, and those let in wait no longer than before. */
async function measureOverload(node: Node): Promise<void> {
  const { accepted, refused, seconds } = await overload({
    url: node.url,
    texts: DOCUMENTS,
    clients: OVERLOAD_CLIENTS,
    requests: Infinity,
    forMilliseconds: ROUND_MS,
  });
  const firstHalf = accepted.slice(0, accepted.length / 2);
  const secondHalf = accepted.slice(accepted.length / 2);
  printFigure(BENCH, 'overload', {
    clients: OVERLOAD_CLIENTS,
    value: rounded(accepted.length / seconds, 2),
    unit: 'requests a second',
    refused,
    p50: rounded(median(accepted), 1),
    p99: rounded(quantile(accepted, 0.99), 1),
    p99OfSecondHalfToFirst: rounded(quantile(secondHalf, 0.99) / quantile(firstHalf, 0.99), 2),
  });
}

await withTemporaryFolder(async (dataDir) => {
  await importDemoInto(dataDir);
  const { startRedis } = await services();
  const redis = await startRedis();
  // Requests repeat texts, and the queue is to be measured.
  const noCache = { REFERENT_CACHE_MB: '0' };
  const env = { PORT: '0', REFERENT_DATA_DIR: dataDir, REFERENT_LOG_LEVEL: 'error', ...noCache };
  const queueEnv = { ...env, REDIS_URL: redis.url, REFERENT_THREADS: '1' };
  const processes = [
    api('in the process', env),
    api('with a queue', queueEnv),
    // A worker has one thread: what the queue costs is seen beside a process that has one, too.
    api('in the process, one thread', { ...env, REFERENT_THREADS: '1' }),
    worker('worker 1', queueEnv),
    worker('worker 2', queueEnv),
  ];
  try {
    await Promise.all(processes.map((each) => each.start()));
    const [inProcess, queued, oneThread] = processes.slice(0, 3).map((each) => new Node(each));
    if (inProcess === undefined || queued === undefined || oneThread === undefined) return;
    await Promise.all([inProcess, queued, oneThread].map((node) => node.untilReady()));
    await measureOverhead(oneThread, queued);
    await measureThroughput(inProcess, queued);
    await measureOverload(queued);
  } finally {
    await Promise.all(processes.map((each) => each.stop()));
    await redis.stop();
  }
});
