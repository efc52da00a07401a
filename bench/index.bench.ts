import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { ExactIndex } from '../libs/index/exact-index.js';
import { LayeredIndex } from '../libs/index/layered-index.js';
import { buildGraph } from '../libs/index/graph-build.js';
import { buildSnapshot, openSnapshot } from '../libs/index/snapshot.js';
import { namePages, vectorPages } from '../libs/index/testing/vectors.js';
import { GRAPH_SETTINGS } from '../libs/index/usearch-file.js';
import { VECTORS_FILE } from '../libs/index/vector-file.js';
import type { Neighbours } from '../libs/index/vector-index.js';
import { buildBareGraph } from './index/bare-graph.js';
import { findVectors, type BenchVectors } from './index/bench-vectors.js';

/**
 * The index against the exact one: overlap, milliseconds a query, build rate against bare USearch, opening, memory.
 *
 *   node dist/bench/index.bench.js [--count 100000] [--queries 300] [--world craft]
 *   node dist/bench/index.bench.js --vectors rows.f32 --query-vectors queries.f32 --dimensions 384
 *
 * Vectors are those of a world in $REFERENT_WORLDS, encoded by the model (minutes; kept in the temporary folder for the
 * next run), searched with the mentions of its dev split; without it clusters of random vectors. The first line says
 * which.
 */
const MODEL_VERSION = 'bench';
const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    queries: { type: 'string', default: '300' },
    world: { type: 'string', default: 'craft' },
    vectors: { type: 'string' },
    'query-vectors': { type: 'string' },
    dimensions: { type: 'string', default: '384' },
    // For the process that measures opening and memory alone.
    open: { type: 'string' },
  },
});

function print(measure: string, figures: object): void {
  console.log(JSON.stringify({ bench: 'index', measure, ...figures }));
}

function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}

function megabytes(bytes: number): number {
  return rounded(bytes / 1e6, 1);
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function percentiles(milliseconds: readonly number[]): { p50: number; p99: number } {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? NaN;
  return { p50: rounded(at(0.5)), p99: rounded(at(0.99)) };
}

function queryRows(source: BenchVectors): readonly Float32Array[] {
  const { queries, dimensions } = source;
  const count = queries.length / dimensions;
  return Array.from({ length: count }, (_, i) =>
    queries.subarray(i * dimensions, (i + 1) * dimensions),
  );
}

interface Timed {
  readonly found: readonly Neighbours[];
  readonly milliseconds: readonly number[];
}

function searchEach(index: LayeredIndex | ExactIndex, source: BenchVectors, k: number): Timed {
  const found: Neighbours[] = [];
  const milliseconds = queryRows(source).map((query) => {
    const start = performance.now();
    found.push(...index.search(query, k));
    return performance.now() - start;
  });
  return { found, milliseconds };
}

/** Share of the exact top k that was found. */
function overlap(found: readonly Neighbours[], exact: readonly Neighbours[], k: number): number {
  const shares = found.map(({ keys }, i) => {
    const truth = new Set(exact[i]?.keys.slice(0, k));
    return keys.slice(0, k).filter((key) => truth.has(key)).length / truth.size;
  });
  return rounded(shares.reduce((sum, share) => sum + share, 0) / shares.length, 4);
}

/** Both on the same first rows, in turns, so that other work on the machine hits both; medians of three. */
async function measureBuildRate(folder: string, source: BenchVectors): Promise<void> {
  const { dimensions } = source;
  const rows = Math.min(10_000, source.vectors.length / dimensions);
  const first = source.vectors.subarray(0, rows * dimensions);
  const task = {
    vectorsPath: join(folder, VECTORS_FILE),
    graphPath: join(folder, 'rate.usearch'),
    rows,
    dimensions,
  };
  const ours: number[] = [];
  const bare: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    ours.push(rows / (await seconds(() => buildGraph(task, () => undefined))));
    bare.push(rows / (await seconds(() => buildBareGraph(first, dimensions))));
  }
  await rm(task.graphPath);
  const [oursMedian, bareMedian] = [percentiles(ours).p50, percentiles(bare).p50];
  print('build rate', {
    rows,
    vectorsPerSecond: Math.round(oursMedian),
    bareUsearchVectorsPerSecond: Math.round(bareMedian),
    ratio: rounded(oursMedian / bareMedian),
  });
}

async function measureBuild(root: string, source: BenchVectors): Promise<string> {
  const { vectors, dimensions } = source;
  const count = vectors.length / dimensions;
  const spec = { modelVersion: MODEL_VERSION, dimensions, kbSequence: 1, exactBelow: 0 };
  const names = Array.from({ length: count }, (_, i) => `name ${i}`);
  let folder = '';
  const total = await seconds(async () => {
    folder = await buildSnapshot(root, spec, vectorPages(vectors, dimensions), namePages(names));
  });
  print('build', { seconds: rounded(total, 1), vectorsPerSecond: Math.round(count / total) });
  return folder;
}

async function measureFiles(folder: string): Promise<void> {
  const names = await readdir(folder);
  const sizes = names.map(async (name) => [name, (await stat(join(folder, name))).size] as const);
  print('files', { bytes: Object.fromEntries(await Promise.all(sizes)) });
}

/** In a process of its own: opens the snapshot, searches, tells what it took. */
async function openAndTell(folder: string, dimensions: number): Promise<void> {
  const before = process.memoryUsage.rss();
  const expected = { modelVersion: MODEL_VERSION, dimensions };
  const start = performance.now();
  const { vectors } = await openSnapshot(folder, expected);
  const milliseconds = rounded(performance.now() - start, 1);
  const opened = process.memoryUsage.rss();
  const index = new LayeredIndex(dimensions, vectors);
  const query = new Float32Array(dimensions);
  for (let i = 0; i < 2_000; i++) {
    query.fill(0.01);
    query[i % dimensions] = 1;
    index.search(query, 100);
  }
  print('open', {
    milliseconds,
    rssMegabytes: {
      before: megabytes(before),
      opened: megabytes(opened),
      after2000Searches: megabytes(process.memoryUsage.rss()),
    },
  });
}

async function measureOpen(folder: string, dimensions: number): Promise<void> {
  const args = [import.meta.filename, '--open', folder, '--dimensions', String(dimensions)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  process.stdout.write(stdout);
}

async function measureSearch(folder: string, source: BenchVectors): Promise<void> {
  const { vectors, dimensions, queries } = source;
  const opened = await openSnapshot(folder, { modelVersion: MODEL_VERSION, dimensions });
  const index = new LayeredIndex(dimensions, opened.vectors);
  const oracle = new ExactIndex(dimensions);
  oracle.upsert(
    Array.from({ length: vectors.length / dimensions }, (_, i) => i),
    vectors,
  );
  const exact = searchEach(oracle, source, 100);
  searchEach(index, source, 100);
  const cpu = process.cpuUsage();
  const found = searchEach(index, source, 100);
  const { user, system } = process.cpuUsage(cpu);
  print('overlap', {
    top10: overlap(found.found, exact.found, 10),
    top100: overlap(found.found, exact.found, 100),
  });
  const count = queries.length / dimensions;
  const together = await seconds(() => Promise.resolve(index.search(queries, 100)));
  print('search', {
    milliseconds: percentiles(found.milliseconds),
    // Of the whole process, a query: what an idle machine would show.
    cpuMilliseconds: rounded((user + system) / 1000 / count),
    inOneBatchMillisecondsAQuery: rounded((together * 1000) / count),
    exactMilliseconds: percentiles(exact.milliseconds),
  });
  index.close();
}

async function main(): Promise<void> {
  const source = await findVectors({
    count: Number(options.count),
    queries: Number(options.queries),
    world: options.world,
    dimensions: Number(options.dimensions),
    vectorsFile: options.vectors,
    queriesFile: options['query-vectors'],
  });
  const { vectors, queries, dimensions } = source;
  print('source', {
    vectors: source.name,
    count: vectors.length / dimensions,
    queries: queries.length / dimensions,
    dimensions,
    cores: availableParallelism(),
    settings: GRAPH_SETTINGS,
  });
  const root = await mkdtemp(join(tmpdir(), 'referent-bench-index-'));
  try {
    const folder = await measureBuild(root, source);
    await measureFiles(folder);
    await measureBuildRate(folder, source);
    await measureOpen(folder, dimensions);
    await measureSearch(folder, source);
  } finally {
    await rm(root, { recursive: true });
  }
}

await (options.open === undefined ? main() : openAndTell(options.open, Number(options.dimensions)));
