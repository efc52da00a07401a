import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { buildGraph } from '../libs/index/graph-build.js';
import { LayeredIndex } from '../libs/index/layered-index.js';
import { listSnapshots, openSnapshot, type SnapshotEntry } from '../libs/index/snapshot.js';
import { VectorFile, VECTORS_FILE } from '../libs/index/vector-file.js';
import { fileSource } from '../libs/jobs/import-source.js';
import { SqliteCatalog } from '../libs/kb/sqlite-catalog.js';
import { openModelFolder } from '../libs/model/model-folder.js';
import { buildBareGraph } from './index/bare-graph.js';
import { realVectors } from './index/bench-vectors.js';
import { exactNeighbours } from './million/exact-search.js';
import { GOALS } from './million/goals.js';
import { MixedVectors, mixingEncoder } from './million/mixed-vectors.js';
import { generatedPages, generatedTitles, importGeneratedKb } from './service/generated-kb.js';
import { annotateUnderLoad } from './service/load.js';
import { stageRecords } from './store/import-records.js';
import { DEMO_FILE, MODEL_FOLDER } from './support/demo-kb.js';
import { median, millisecondsOf, printFigure, quantile, rounded } from './support/figures.js';
import { startServer } from './support/referent-server.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * What grows with a KB: import without encoder and index, index build beside bare USearch on the same vectors, memory
 * and start of a server, and retrieval beside the exact one, at 10,000 entities, ten times as many, and so on up to
 * --entities. Texts are generated; vectors are mixed from those of the demo KB, queries are its gold mentions.
 *
 *   node dist/bench/million.bench.js [--entities 100000] [--queries 200] [--starts 3]
 *
 * A million has not been run yet; it needs hours on a busy machine, and memory for all vectors (1.5 GB) beside the rest.
 */
const { values: options } = parseArgs({
  options: {
    entities: { type: 'string', default: '100000' },
    queries: { type: 'string', default: '200' },
    starts: { type: 'string', default: '3' },
    // For the process that measures one size alone.
    size: { type: 'string' },
  },
});

const BENCH = 'million';
const SMALLEST = 10_000;
const TOP = 100;
const KB = 'generated';
const DEMO = { name: 'demo', entities: DEMO_FILE, labelled: 'kb/demo/gold.jsonl' };

function print(size: number, measure: string, figures: object): void {
  printFigure(BENCH, measure, { size, ...figures });
}

/** From a file, so that making the texts does not count. */
async function measureImport(folder: string, size: number): Promise<void> {
  const file = join(folder, 'entities.jsonl');
  await pipeline(generatedPages(size), createWriteStream(file));
  const catalog = new SqliteCatalog({ dataDir: join(folder, 'import') });
  const store = await catalog.openOrCreate('generated');
  const source = await fileSource(file);
  const cpu = process.cpuUsage();
  const staged = await millisecondsOf(() => stageRecords(store, source));
  const committed = await millisecondsOf(() => store.imports.commit());
  const { user, system } = process.cpuUsage(cpu);
  const { names } = await store.info();
  await catalog.close();
  print(size, 'import', {
    perSecond: Math.round((size * 1_000) / (staged + committed)),
    perCpuSecond: Math.round((size * 1e6) / (user + system)),
    seconds: { stage: rounded(staged / 1_000, 1), commit: rounded(committed / 1_000, 1) },
    names,
    peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1_024),
    goal: GOALS.perSecond,
  });
  await rm(join(folder, 'import'), { recursive: true });
  await rm(file);
}

/** Both once, one after the other: at a million each takes minutes. */
async function measureBuild(folder: string, vectors: VectorFile): Promise<void> {
  const { size: rows, dimensions } = vectors;
  const graphPath = join(folder, 'rate.usearch');
  const task = { vectorsPath: join(folder, VECTORS_FILE), graphPath, rows, dimensions };
  const ours = await millisecondsOf(() => buildGraph(task, () => undefined));
  await rm(graphPath);
  const inMemory = vectors.rows(0, rows);
  const bare = await millisecondsOf(() => buildBareGraph(inMemory, dimensions));
  print(rows, 'index build', {
    perSecond: Math.round((rows * 1_000) / ours),
    barePerSecond: Math.round((rows * 1_000) / bare),
    ratio: rounded(bare / ours),
    goal: GOALS.buildRatio,
  });
}

async function measureRetrieval(
  { folder, modelVersion }: SnapshotEntry,
  vectors: VectorFile,
  queries: Float32Array,
): Promise<void> {
  const { dimensions, size } = vectors;
  const truth = exactNeighbours(vectors, queries, TOP);
  const opened = await openSnapshot(folder, { modelVersion, dimensions });
  const index = new LayeredIndex(dimensions, opened.vectors);
  const times: number[] = [];
  const shares: number[] = [];
  for (const [at, nearest] of truth.entries()) {
    const query = queries.subarray(at * dimensions, (at + 1) * dimensions);
    index.search(query, TOP);
    const since = performance.now();
    const [found] = index.search(query, TOP);
    times.push(performance.now() - since);
    shares.push((found?.keys.filter((key) => nearest.has(key)).length ?? 0) / nearest.size);
  }
  index.close();
  print(size, 'retrieval', {
    p50: rounded(median(times)),
    p99: rounded(quantile(times, 0.99)),
    unit: 'ms',
    recall: rounded(shares.reduce((sum, share) => sum + share, 0) / shares.length, 4),
    queries: times.length,
    goals: { p50: GOALS.milliseconds, recall: GOALS.recall },
  });
}

async function measureServer(dataDir: string, size: number): Promise<void> {
  const seconds: number[] = [];
  for (let start = 0; start < Number(options.starts); start++) {
    const server = await startServer(dataDir);
    try {
      seconds.push(server.millisecondsToReady / 1_000);
      if (start > 0) continue;
      const ready = await server.memory();
      const texts = generatedTitles(100).map((title) => `We saw ${title} today.`);
      const load = { url: server.url, texts, rerank: 'none' as const, clients: 1 };
      await annotateUnderLoad({ ...load, requests: texts.length, forMilliseconds: 60_000 });
      const used = await server.memory();
      print(size, 'memory', { unit: 'MB', ready, used, goal: GOALS.megabytes });
    } finally {
      await server.stop();
    }
  }
  print(size, 'ready', { value: rounded(median(seconds), 2), unit: 's', goal: GOALS.seconds });
}

async function measureSize(folder: string, size: number): Promise<void> {
  await measureImport(folder, size);
  const queryCount = Number(options.queries);
  const real = await realVectors(DEMO, { count: Infinity, queries: queryCount });
  const mixed = new MixedVectors(real);
  const kb = await importGeneratedKb(folder, KB, size, (manifest) =>
    mixingEncoder(manifest, mixed),
  );
  print(size, 'index in all', { seconds: rounded(kb.seconds.index, 1), names: kb.names });
  await measureServer(folder, size);
  const catalog = new SqliteCatalog({ dataDir: folder });
  const { manifest } = await openModelFolder(MODEL_FOLDER);
  const [snapshot] = await listSnapshots(catalog.derivedFolder(KB), manifest.version);
  await catalog.close();
  if (snapshot === undefined) throw new Error('the import built no index');
  const vectors = VectorFile.open(snapshot.folder, real.dimensions);
  await measureBuild(snapshot.folder, vectors);
  await measureRetrieval(snapshot, vectors, real.queries);
  vectors.close();
}

/** Each size in a process of its own, so that none has the memory of another. */
async function measureAll(): Promise<void> {
  for (let size = SMALLEST; size <= Number(options.entities); size *= 10) {
    const shared = ['--queries', options.queries, '--starts', options.starts];
    const args = [import.meta.filename, '--size', String(size), ...shared];
    const child = spawn(process.execPath, args, { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`${size} entities ended with code ${String(code)}`);
  }
}

await (options.size === undefined
  ? measureAll()
  : withTemporaryFolder((folder) => measureSize(folder, Number(options.size))));
