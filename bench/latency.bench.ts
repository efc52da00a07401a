import { parseArgs } from 'node:util';
import { sentences, type Sentence } from './service/sentences.js';
import { importDemoInto } from './support/demo-kb.js';
import { median, printFigure, quantile, rounded } from './support/figures.js';
import { startServer } from './support/referent-server.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * One sentence with one mention over HTTP, from the sending of the request to the end of the answer: one client, default
 * options, demo KB, every sentence asked once. The mention is found by the server, and given in every other request.
 *
 *   node dist/bench/latency.bench.js [--sentences 1000]
 */
const { values: options } = parseArgs({
  options: {
    // 1,000 at most.
    sentences: { type: 'string', default: '1000' },
  },
});

const BENCH = 'latency';
/** Milliseconds. */
const GOALS = { p50: 25, p99: 80 };
const WARM_UP = 20;

type Mentions = 'given' | 'detected';

async function ask(url: string, { text, start, end }: Sentence, how: Mentions): Promise<number> {
  const mentions = how === 'given' ? { mentions: [{ start, end }] } : {};
  const body = JSON.stringify({ text, kb: 'demo', ...mentions });
  const headers = { 'content-type': 'application/json' };
  const since = performance.now();
  const response = await fetch(`${url}/v1/annotate`, { method: 'POST', headers, body });
  const answer = await response.text();
  const milliseconds = performance.now() - since;
  if (response.status !== 200) throw new Error(`annotate answered ${response.status}: ${answer}`);
  return milliseconds;
}

function report(how: Mentions, milliseconds: readonly number[]): void {
  const [p50, p99] = [median(milliseconds), quantile(milliseconds, 0.99)];
  printFigure(BENCH, 'one sentence', {
    mentions: how,
    p50: rounded(p50, 1),
    p99: rounded(p99, 1),
    unit: 'ms',
    goals: GOALS,
    ratios: { p50: rounded(p50 / GOALS.p50), p99: rounded(p99 / GOALS.p99) },
    requests: milliseconds.length,
  });
}

await withTemporaryFolder(async (dataDir) => {
  await importDemoInto(dataDir);
  const server = await startServer(dataDir);
  const times: Record<Mentions, number[]> = { given: [], detected: [] };
  try {
    const asked = sentences(Number(options.sentences));
    for (const [at, sentence] of asked.entries()) {
      // In runs of the ten names, so that each name is asked both ways.
      const how = Math.floor(at / 10) % 2 === 0 ? 'given' : 'detected';
      const milliseconds = await ask(server.url, sentence, how);
      if (at >= WARM_UP) times[how].push(milliseconds);
    }
  } finally {
    await server.stop();
  }
  report('given', times.given);
  report('detected', times.detected);
});
