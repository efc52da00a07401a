import { join } from 'node:path';
import { CheckedWriter, recordFile, type FileRecord } from './checked-file.js';
import { buildGraphAside } from './graph-build.js';
import { GRAPH_FILE } from './graph-index.js';
import { NameSetBuilder } from './name-set.js';
import { makeManifest, writeManifest } from './snapshot-manifest.js';
import { GRAPH_SETTINGS } from './usearch-file.js';
import { VectorFileWriter, VECTORS_FILE } from './vector-file.js';

export const NAMES_FILE = 'names.bin';

/** Below this, searching all vectors takes less than 2 ms and is exact. */
const EXACT_BELOW = 2_000;

/** What a snapshot is to be made for. */
export interface SnapshotSpec {
  readonly modelVersion: string;
  readonly dimensions: number;
  readonly kbSequence: number;
  /** A KB of fewer vectors gets no graph; 2,000 unless told. */
  readonly exactBelow?: number;
}

export interface VectorRows {
  readonly keys: readonly number[];
  /** Row-major [keys.length, D]. */
  readonly vectors: Float32Array;
}

export type SnapshotPhase = 'vectors' | 'graph' | 'names' | 'verify';

export interface SnapshotProgress {
  readonly phase: SnapshotPhase;
  readonly done: number;
  /** Null while pages are still coming. */
  readonly total: number | null;
}

export type OnSnapshotProgress = (progress: SnapshotProgress) => void;

/** Where a snapshot comes from, and who wants to hear about it. */
export interface SnapshotSource {
  /** In rising key order. */
  readonly vectorPages: AsyncIterable<VectorRows>;
  /** Normalised names; one that comes twice counts once. */
  readonly namePages: AsyncIterable<readonly string[]>;
  readonly onProgress: OnSnapshotProgress;
}

/** Writes all files of a snapshot into an empty folder, the manifest last. */
export async function fillSnapshot(
  folder: string,
  spec: SnapshotSpec,
  source: SnapshotSource,
): Promise<void> {
  const { rows, files } = await writeVectors(folder, spec.dimensions, source);
  const hasGraph = rows >= (spec.exactBelow ?? EXACT_BELOW) && rows > 0;
  const graph = hasGraph ? await writeGraph(folder, rows, spec, source.onProgress) : null;
  const names = await writeNames(folder, source);
  const { modelVersion, dimensions, kbSequence } = spec;
  const manifest = makeManifest({
    modelVersion,
    dimensions,
    kbSequence,
    vectors: rows,
    names: names.size,
    graph: hasGraph ? GRAPH_SETTINGS : null,
    files: { ...files, graph, names: names.file },
  });
  await writeManifest(folder, manifest);
}

async function writeVectors(
  folder: string,
  dimensions: number,
  { vectorPages, onProgress }: SnapshotSource,
): Promise<{ rows: number; files: { vectors: FileRecord; keys: FileRecord } }> {
  const writer = await VectorFileWriter.create(folder, dimensions);
  try {
    for await (const page of vectorPages) {
      await writer.write(page.keys, page.vectors);
      onProgress({ phase: 'vectors', done: writer.rows, total: null });
    }
    return { files: await writer.finish(), rows: writer.rows };
  } finally {
    await writer.close();
  }
}

async function writeGraph(
  folder: string,
  rows: number,
  { dimensions }: SnapshotSpec,
  onProgress: OnSnapshotProgress,
): Promise<FileRecord> {
  const graphPath = join(folder, GRAPH_FILE);
  const vectorsPath = join(folder, VECTORS_FILE);
  await buildGraphAside({ vectorsPath, graphPath, rows, dimensions }, (done) => {
    onProgress({ phase: 'graph', done, total: rows });
  });
  return recordFile(graphPath);
}

async function writeNames(
  folder: string,
  { namePages, onProgress }: SnapshotSource,
): Promise<{ size: number; file: FileRecord }> {
  const builder = new NameSetBuilder();
  for await (const page of namePages) {
    builder.add(page);
    onProgress({ phase: 'names', done: builder.size, total: null });
  }
  const writer = await CheckedWriter.create(join(folder, NAMES_FILE));
  try {
    await writer.write(builder.finish().toBytes());
    return { size: builder.size, file: await writer.finish() };
  } finally {
    await writer.close();
  }
}
