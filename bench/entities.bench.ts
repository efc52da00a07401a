import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { importGeneratedKb } from './service/generated-kb.js';
import { ManagedProcess } from './support/managed-process.js';
import { Node } from './support/node.js';
import { median, printFigure, quantile, rounded } from './support/figures.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * From a PUT to the entity being linkable: at the node that was asked, and at another process over the same data, in a
 * KB of 100,000 generated entities; then writes a second by 1 and 16 clients.
 *
 *   node dist/bench/entities.bench.js [--entities 100000] [--writes 200]
 */
const { values: options } = parseArgs({
  options: {
    entities: { type: 'string', default: '100000' },
    writes: { type: 'string', default: '200' },
  },
});

const BENCH = 'entities';
const KB = 'generated';
/** Milliseconds, 99 of 100. */
const GOALS = { same: 100, other: 1_000 };
const POLL_MS = 10;
const WRITERS = [1, 16] as const;

interface Times {
  readonly put: number[];
  readonly same: number[];
  readonly other: number[];
}

async function put(node: Node, id: string, name: string): Promise<void> {
  const description = `${name} was added while the service was running.`;
  const { status, body } = await node.ask('PUT', `/v1/entities/${id}?kb=${KB}`, {
    title: name,
    description,
  });
  if (status !== 201) throw new Error(`PUT answered ${status}: ${JSON.stringify(body)}`);
}

async function isLinked(node: Node, id: string, name: string): Promise<boolean> {
  const mentions = [{ start: 3, end: 3 + name.length }];
  const { status, body } = await node.ask('POST', '/v1/annotate', {
    text: `In ${name} nobody spoke.`,
    kb: KB,
    mentions,
    options: { rerank: 'none', minConfidence: 0 },
  });
  if (status !== 200) throw new Error(`annotate answered ${status}: ${JSON.stringify(body)}`);
  return (body as { links: { entityId: string | null }[] }).links[0]?.entityId === id;
}

/** Until it is linkable, where the time of the asking itself counts as well. */
async function untilLinked(node: Node, id: string, name: string): Promise<void> {
  while (!(await isLinked(node, id, name))) await sleep(POLL_MS);
}

async function measureLinkable(same: Node, other: Node, writes: number): Promise<Times> {
  const times: Times = { put: [], same: [], other: [] };
  for (let write = 0; write < writes; write++) {
    const [id, name] = [
      `fresh-${writes}-${write}`,
      `Quellimdra ${String.fromCodePoint(65 + (write % 26))}${writes}${write}`,
    ];
    const began = performance.now();
    await put(same, id, name);
    times.put.push(performance.now() - began);
    await untilLinked(same, id, name);
    times.same.push(performance.now() - began);
    await untilLinked(other, id, name);
    times.other.push(performance.now() - began);
  }
  return times;
}

function report(times: Times): void {
  printFigure(BENCH, 'put', figuresOf(times.put));
  for (const where of ['same', 'other'] as const) {
    const figures = figuresOf(times[where]);
    const goal = GOALS[where];
    printFigure(BENCH, 'linkable', { where, ...figures, goal, ratio: rounded(figures.p99 / goal) });
  }
}

function figuresOf(milliseconds: readonly number[]) {
  return {
    value: rounded(median(milliseconds), 1),
    unit: 'ms',
    p99: rounded(quantile(milliseconds, 0.99), 1),
    writes: milliseconds.length,
  };
}

async function measureRate(node: Node, writers: number, writes: number): Promise<void> {
  const began = performance.now();
  let sent = 0;
  const writer = async () => {
    while (sent < writes) {
      const number = sent++;
      await put(node, `rate-${writers}-${number}`, `Vantorel ${writers} ${number}`);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  const seconds = (performance.now() - began) / 1_000;
  printFigure(BENCH, 'write rate', {
    writers,
    value: rounded(writes / seconds, 1),
    unit: 'writes a second',
    writes,
  });
}

await withTemporaryFolder(async (dataDir) => {
  const { entities } = await importGeneratedKb(dataDir, KB, Number(options.entities));
  printFigure(BENCH, 'generated KB', { entities });
  const env = { PORT: '0', REFERENT_DATA_DIR: dataDir, REFERENT_LOG_LEVEL: 'error' };
  const processes = ['same', 'other'].map(
    (name) =>
      new ManagedProcess({ name, args: ['serve'], env, saysWhenUp: /listens on (http:\S+)/u }),
  );
  try {
    await Promise.all(processes.map((each) => each.start()));
    const [same, other] = processes.map((each) => new Node(each));
    if (same === undefined || other === undefined) return;
    await Promise.all([same.untilReady(), other.untilReady()]);
    const writes = Number(options.writes);
    await measureLinkable(same, other, 5);
    report(await measureLinkable(same, other, writes));
    for (const writers of WRITERS) await measureRate(same, writers, writes);
  } finally {
    await Promise.all(processes.map((each) => each.stop()));
  }
});
