import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { readGold } from '../libs/evaluation/gold.js';
import { shuffledOrdinals } from '../libs/evaluation/sample.js';
import { Embedder, type EntityEncoder } from '../libs/jobs/embedder.js';
import { fileSource, type ImportSource } from '../libs/jobs/import-source.js';
import type { KbStore, LexicalQuery } from '../libs/kb/kb-store.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { lexicalQuery } from '../libs/linking/retrieve.js';
import { stageRecords } from './store/import-records.js';
import { generatedSource } from './store/sources.js';

/**
 * The store: entities a second of an import without encoder and index, milliseconds of its reads, recall of BM25 on dev
 * mentions beside the model card's, memory of a long import.
 *
 *   node dist/bench/store.bench.js [--worlds mdn,disease] [--mentions 300] [--lines 100000]
 *
 * Worlds are those of $REFERENT_WORLDS (default ../shared/data); without them only the generated one is measured.
 */
const { values: options } = parseArgs({
  options: {
    worlds: { type: 'string', default: 'mdn,disease' },
    mentions: { type: 'string', default: '300' },
    lines: { type: 'string', default: '100000' },
    // For the process that measures memory alone.
    memory: { type: 'string' },
  },
});

const worlds = process.env['REFERENT_WORLDS'] ?? '../shared/data';

function print(measure: string, figures: object): void {
  console.log(JSON.stringify({ bench: 'store', measure, ...figures }));
}

const rounded = (value: number, digits = 3) => Number(value.toFixed(digits));

function percentiles(milliseconds: readonly number[]) {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (share: number) => rounded(sorted[Math.floor(share * (sorted.length - 1))] ?? NaN);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

interface Cost {
  readonly seconds: number;
  /** Of this process, all its threads: what other work on the machine does not change. */
  readonly cpuSeconds: number;
}

async function cost(work: () => Promise<unknown>): Promise<Cost> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
}

const rates = (count: number, { seconds, cpuSeconds }: Cost) => ({
  perSecond: Math.round(count / seconds),
  perCpuSecond: Math.round(count / cpuSeconds),
});

/** All that an import does besides encoder and index: read, check, hash, stage, names, BM25, commit. */
async function measureImport(store: KbStore, open: () => Promise<ImportSource>): Promise<void> {
  for (const run of ['first', 'unchanged'] as const) {
    const source = await open();
    const staging = await cost(() => stageRecords(store, source));
    let worst = 0;
    let last = performance.now();
    const committing = await cost(() =>
      store.imports.commit({
        onProgress: () => {
          worst = Math.max(worst, performance.now() - last);
          last = performance.now();
        },
      }),
    );
    const { entities, names } = await store.info();
    const both = {
      seconds: staging.seconds + committing.seconds,
      cpuSeconds: staging.cpuSeconds + committing.cpuSeconds,
    };
    print('import', {
      kb: store.name,
      run,
      entities,
      names,
      entitiesA: rates(entities, both),
      staging: rates(entities, staging),
      ...(run === 'first' && {
        committing: rates(entities, committing),
        longestCommitStepMs: rounded(worst, 1),
      }),
    });
  }
}

interface Query {
  readonly lexical: LexicalQuery;
  readonly goldId: string;
}

/** Mentions of the dev split, in a seeded order. */
async function queriesOf(world: string, count: number): Promise<Query[]> {
  const queries: Query[] = [];
  for await (const { text, mentions } of readGold(join(worlds, world, 'dev.jsonl.gz'))) {
    for (const mention of mentions) {
      if (mention.entityId === null) continue;
      queries.push({ lexical: lexicalQuery(text, mention), goldId: mention.entityId });
    }
  }
  const order = shuffledOrdinals(queries.length, 7).slice(0, count);
  return order.flatMap((at) => queries[at] ?? []);
}

async function timed<T>(times: number[], work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  times.push(performance.now() - start);
  return result;
}

/** Recall at 1 / 10 / 64 / 100 of BM25 alone, as in the model card's tables (all dev mentions; cut KBs left out). */
const CARD: Readonly<Record<string, readonly number[]>> = {
  mdn: [0.371, 0.725, 0.899, 0.915],
  disease: [0.384, 0.701, 0.795, 0.81],
  win32: [0.542, 0.779, 0.882, 0.893],
};

async function measureLexical(store: KbStore, queries: readonly Query[]): Promise<void> {
  const times: number[] = [];
  const ranks: number[] = [];
  for (const { lexical, goldId } of queries) {
    const hits = await timed(times, () => store.names.lexical(lexical, 100));
    const gold = (await store.entities.byIds([goldId])).get(goldId)?.key;
    const rank = hits.findIndex((hit) => hit.key === gold);
    ranks.push(rank < 0 ? Infinity : rank);
  }
  const recallAt = (k: number) => rounded(ranks.filter((rank) => rank < k).length / ranks.length);
  print('lexical', {
    kb: store.name,
    mentions: queries.length,
    milliseconds: percentiles(times),
    recall: {
      1: recallAt(1),
      10: recallAt(10),
      50: recallAt(50),
      64: recallAt(64),
      100: recallAt(100),
    },
    cardRecallAt1_10_64_100: CARD[store.name] ?? null,
  });
}

async function measureReads(store: KbStore, queries: readonly Query[]): Promise<void> {
  const times = {
    exact: [] as number[],
    byKeys100: [] as number[],
    search: [] as number[],
    info: [] as number[],
  };
  for (const { lexical } of queries) {
    const name = lexical.mention.join(' ');
    await timed(times.exact, () => store.names.exact([name, `${name}s`]));
    const hits = await store.names.lexical(lexical, 100);
    await timed(times.byKeys100, () => store.entities.byKeys(hits.map((hit) => hit.key)));
    await timed(times.search, () => store.entities.search(name, 20));
    await timed(times.info, () => store.info());
  }
  for (const [read, milliseconds] of Object.entries(times)) {
    print('read', { kb: store.name, read, milliseconds: percentiles(milliseconds) });
  }
}

async function measureWorld(world: string, dataDir: string): Promise<void> {
  const catalog = new SqliteCatalog({ dataDir });
  const store = await catalog.openOrCreate(world);
  await measureImport(store, () => fileSource(join(worlds, world, 'entities.jsonl.gz')));
  const queries = await queriesOf(world, Number(options.mentions));
  await measureLexical(store, queries);
  await measureReads(store, queries);
  const file = await stat(join(dataDir, 'kbs', world, 'store.sqlite'));
  print('file', { kb: world, megabytes: rounded(file.size / 1e6, 1) });
  await catalog.close();
}

/** Random vectors at once: what is measured is the import around the model. */
const instantEncoder: EntityEncoder = {
  manifest: { version: 'instant', dimensions: 384 },
  encodeEntities: (entities) => Promise.resolve(new Float32Array(entities.length * 384).fill(0.05)),
};

const NO_HOOKS = { onEncoded: () => undefined, assertGoingOn: () => undefined };

/** In a process of its own: a whole import with vectors, and the most memory that the process ever had. */
async function importForMemory(lines: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'referent-bench-'));
  const catalog = new SqliteCatalog({ dataDir });
  const store = await catalog.openOrCreate('generated');
  const embedder = new Embedder(instantEncoder, store.vectors, NO_HOOKS);
  const spent = await cost(async () => {
    await stageRecords(store, generatedSource(lines), embedder);
    await store.imports.commit();
  });
  const { entities } = await store.info();
  await catalog.close();
  await rm(dataDir, { recursive: true });
  const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  print('memory', { lines: entities, peakMegabytes, entitiesWithVectors: rates(entities, spent) });
}

async function measureMemory(): Promise<void> {
  const most = Number(options.lines);
  for (const lines of [most / 10, most]) {
    const args = [process.argv[1] ?? '', '--memory', String(lines)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    process.stdout.write(stdout);
  }
}

async function main(): Promise<void> {
  if (options.memory !== undefined) {
    await importForMemory(Number(options.memory));
    return;
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'referent-bench-'));
  try {
    for (const world of options.worlds.split(',')) {
      if (existsSync(join(worlds, world))) await measureWorld(world, dataDir);
    }
  } finally {
    await rm(dataDir, { recursive: true });
  }
  await measureMemory();
}

await main();
