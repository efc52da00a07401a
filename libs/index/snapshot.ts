import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import type { BaseIndex } from './base-index.js';
import { checkFile } from './checked-file.js';
import { ExactIndex } from './exact-index.js';
import { GRAPH_FILE, GraphIndex } from './graph-index.js';
import { NameSet } from './name-set.js';
import {
  fillSnapshot,
  NAMES_FILE,
  type OnSnapshotProgress,
  type SnapshotSpec,
  type VectorRows,
} from './snapshot-build.js';
import {
  abandonedFolders,
  folderName,
  folderNames,
  moveFolderTo,
  parseFolderName,
  publishFolder,
  removeFolder,
} from './snapshot-folders.js';
import { readManifest, type SnapshotManifest } from './snapshot-manifest.js';
import { verifySnapshot } from './snapshot-verify.js';
import { KEYS_FILE, VectorFile, VECTORS_FILE } from './vector-file.js';

/** Blocks of 4 MiB of the vectors that are compared with their checksums when a snapshot is opened. */
const VECTOR_BLOCKS_CHECKED = 8;
const ROWS_A_PAGE = 1_000;

/** The model that the service runs; a snapshot of another one is refused. */
export interface ExpectedModel {
  readonly modelVersion: string;
  readonly dimensions: number;
}

/** An opened snapshot folder. */
export interface Snapshot {
  readonly folder: string;
  readonly manifest: SnapshotManifest;
  readonly vectors: BaseIndex;
  readonly names: NameSet;
}

export interface SnapshotEntry {
  readonly folder: string;
  readonly modelVersion: string;
  readonly kbSequence: number;
  readonly vectors: number;
}

/**
 * Builds `<root>/<modelVersion>-<kbSequence>/` and gives its path. The folder is there whole or not at all: it is
 * written under another name, synced, opened and tried, then renamed; a folder of that name is replaced.
 *
 * Vectors and names are streamed; besides a page of them the memory of the graph is needed, about 0.6 KB a vector of
 * 384 dimensions. The graph is built in a thread of its own.
 *
 * Errors: `index-invalid` (keys not rising, vectors not of length 1, the built index does not find its own vectors),
 * `model-mismatch` (pages of other dimensions), `disk-full`. All leave the root as it was.
 */
export async function buildSnapshot(
  root: string,
  spec: SnapshotSpec,
  vectorPages: AsyncIterable<VectorRows>,
  namePages: AsyncIterable<readonly string[]>,
  onProgress: OnSnapshotProgress = () => undefined,
): Promise<string> {
  return publishFolder(root, folderName(spec), async (folder) => {
    await fillSnapshot(folder, spec, { vectorPages, namePages, onProgress });
    const snapshot = await openChecked(folder, spec, Infinity);
    try {
      verifySnapshot(folder, snapshot.vectors, onProgress);
    } finally {
      snapshot.vectors.close();
    }
  });
}

/**
 * Opens a snapshot for the model. Refused with `model-mismatch` where it was built for another model, and with
 * `index-invalid` where a file is missing or not as recorded.
 *
 * Guaranteed before a file is used: sizes of all; every byte of graph, keys and names by checksum (native code maps
 * the graph and would crash on a damaged one); of the vectors eight blocks of 4 MiB, so all of a file under 32 MiB. A
 * flipped bit in another block of the vectors goes unseen; it can make a cosine wrong, not end the process.
 */
export async function openSnapshot(folder: string, expected: ExpectedModel): Promise<Snapshot> {
  return openChecked(folder, expected, VECTOR_BLOCKS_CHECKED);
}

/**
 * Opens a snapshot for whatever model it is of, with every byte of it compared with its checksums, and tried.
 * @throws ReferentError `index-invalid`
 */
export async function openWholeSnapshot(folder: string): Promise<Snapshot> {
  const manifest = await readManifest(folder);
  const snapshot = await openChecked(folder, manifest, Infinity);
  try {
    verifySnapshot(folder, snapshot.vectors, () => undefined);
  } catch (error) {
    snapshot.vectors.close();
    throw error;
  }
  return snapshot;
}

/** Keys and exact vectors of an opened snapshot, in key order. */
export function* snapshotRows({ folder, manifest }: Snapshot): Generator<VectorRows> {
  const file = VectorFile.open(folder, manifest.dimensions);
  try {
    for (let first = 0; first < file.size; first += ROWS_A_PAGE) {
      const count = Math.min(ROWS_A_PAGE, file.size - first);
      const keys = Array.from({ length: count }, (_, row) => file.keyAt(first + row));
      yield { keys, vectors: file.rows(first, count) };
    }
  } finally {
    file.close();
  }
}

/** Snapshots for the model, newest sequence first; those without a readable manifest are left out. */
export async function listSnapshots(
  root: string,
  modelVersion: string,
): Promise<readonly SnapshotEntry[]> {
  const entries = await readableSnapshots(root);
  return entries.filter((entry) => entry.modelVersion === modelVersion);
}

/** Whether there is a snapshot for the model in (after, upTo], by the folders' names alone: cheap, for who asks often. */
export async function hasSnapshotIn(
  root: string,
  { modelVersion, after, upTo }: { modelVersion: string; after: number; upTo: number },
): Promise<boolean> {
  const found = (await folderNames(root)).map(parseFolderName);
  return found.some(
    (one) => one?.modelVersion === modelVersion && one.kbSequence > after && one.kbSequence <= upTo,
  );
}

/** Deletes what dead builds and interrupted removals left. Builds under way are left alone. */
export async function dropAbandoned(root: string): Promise<readonly string[]> {
  return removeAll(await abandonedFolders(root));
}

/**
 * Deletes, of each model, all but the `keep` newest snapshots, those that cannot be read, and what dead builds left;
 * gives the deleted paths. Builds under way are left alone. A process that has a deleted snapshot open goes on with
 * it (on Windows the folder stays until a later call).
 */
export async function pruneSnapshots(root: string, keep: number): Promise<readonly string[]> {
  const entries = await readableSnapshots(root);
  const kept = new Set(newestOfEachModel(entries, keep).map((entry) => entry.folder));
  const snapshots = (await snapshotFolders(root)).filter((folder) => !kept.has(folder));
  return removeAll([...snapshots, ...(await abandonedFolders(root))]);
}

/**
 * Deletes snapshots of a later state than the KB is in. Such a one is left when an import was killed between building
 * its index and committing; once the KB reaches that sequence by other changes it would pass for the right one.
 */
export function dropSnapshotsAfter(root: string, kbSequence: number): Promise<readonly string[]> {
  return dropSnapshotsAhead(root, () => Promise.resolve(kbSequence));
}

/** Deletes the snapshots of all models but these; a process that has one open goes on with it. */
export async function keepSnapshotsOf(
  root: string,
  modelVersions: readonly string[],
): Promise<readonly string[]> {
  const entries = await readableSnapshots(root);
  const others = entries.filter(({ modelVersion }) => !modelVersions.includes(modelVersion));
  return removeAll(others.map(({ folder }) => folder));
}

/** Deletes the snapshots of a model. */
export async function removeSnapshots(
  root: string,
  modelVersion: string,
): Promise<readonly string[]> {
  const entries = await listSnapshots(root, modelVersion);
  return removeAll(entries.map(({ folder }) => folder));
}

/** Keys of the model's newest snapshot, evenly spread over it, `count` at most; none where there is no snapshot. */
export async function sampleKeys(
  root: string,
  modelVersion: string,
  count: number,
): Promise<readonly number[]> {
  const [newest] = await listSnapshots(root, modelVersion);
  if (newest === undefined) return [];
  const { dimensions } = await readManifest(newest.folder);
  const file = VectorFile.open(newest.folder, dimensions);
  try {
    const size = Math.min(count, file.size);
    return Array.from({ length: size }, (_, i) => file.keyAt(Math.floor((i * file.size) / size)));
  } finally {
    file.close();
  }
}

/**
 * Deletes snapshots of a state that the KB is not in yet: it was restored from a copy, and would take them for its own
 * once other changes have brought it to their sequence. `sequenceNow` is asked after they were listed, so that one that
 * is made meanwhile is no such.
 */
export async function dropSnapshotsAhead(
  root: string,
  sequenceNow: () => Promise<number>,
): Promise<readonly string[]> {
  const entries = await readableSnapshots(root);
  const sequence = await sequenceNow();
  const ahead = entries.filter((entry) => entry.kbSequence > sequence);
  return removeAll(ahead.map((entry) => entry.folder));
}

/**
 * A snapshot of what is not committed yet is built here, where nobody looks, and `adoptSnapshot` puts it among the others
 * when it is: killed in between, it is no more than a folder that the next import deletes.
 */
export const pendingRoot = (root: string): string => join(root, '.pending');

/** Puts a snapshot from `pendingRoot` among those that are opened. */
export function adoptSnapshot(root: string, folder: string): Promise<void> {
  return moveFolderTo(root, folder);
}

/** Deletes what imports that died have left. While no other import can run. */
export async function dropPending(root: string): Promise<void> {
  await rm(pendingRoot(root), { recursive: true, force: true });
}

async function openChecked(
  folder: string,
  expected: ExpectedModel,
  vectorBlocks: number,
): Promise<Snapshot> {
  const manifest = await readManifest(folder);
  assertModel(folder, manifest, expected);
  const { files } = manifest;
  await checkFile(join(folder, KEYS_FILE), files.keys);
  await checkFile(join(folder, NAMES_FILE), files.names);
  await checkFile(join(folder, VECTORS_FILE), files.vectors, vectorBlocks);
  if (files.graph !== null) await checkFile(join(folder, GRAPH_FILE), files.graph);
  const names = NameSet.fromBytes(
    await readFile(join(folder, NAMES_FILE)),
    join(folder, NAMES_FILE),
  );
  return { folder, manifest, names, vectors: openVectors(folder, manifest) };
}

function openVectors(folder: string, manifest: SnapshotManifest): BaseIndex {
  return manifest.graph === null
    ? loadExact(folder, manifest.dimensions)
    : GraphIndex.open(folder, manifest.dimensions);
}

function loadExact(folder: string, dimensions: number): ExactIndex {
  const file = VectorFile.open(folder, dimensions);
  const index = new ExactIndex(dimensions);
  const keys = Array.from({ length: file.size }, (_, row) => file.keyAt(row));
  index.upsert(keys, file.rows(0, file.size));
  file.close();
  return index;
}

function assertModel(folder: string, found: ExpectedModel, expected: ExpectedModel): void {
  const isSame =
    found.modelVersion === expected.modelVersion && found.dimensions === expected.dimensions;
  if (isSame) return;
  throw new ReferentError(
    'model-mismatch',
    `Index ${folder} was built for model ${found.modelVersion} (${found.dimensions} dimensions); ` +
      `the service runs ${expected.modelVersion} (${expected.dimensions}). Build an index for this model.`,
  );
}

/** All snapshots with a readable manifest that fits the folder's name, newest sequence first. */
async function readableSnapshots(root: string): Promise<readonly SnapshotEntry[]> {
  const folders = await snapshotFolders(root);
  const entries = await Promise.all(folders.map(readEntry));
  return entries.filter((entry) => entry !== null).sort((a, b) => b.kbSequence - a.kbSequence);
}

/** Every folder that has the name of a snapshot, readable or not. */
export async function snapshotFolders(root: string): Promise<readonly string[]> {
  const names = await folderNames(root);
  return names.filter((name) => parseFolderName(name) !== null).map((name) => join(root, name));
}

async function readEntry(folder: string): Promise<SnapshotEntry | null> {
  try {
    const { modelVersion, kbSequence, vectors } = await readManifest(folder);
    const isNamedSo = folder.endsWith(folderName({ modelVersion, kbSequence }));
    return isNamedSo ? { folder, modelVersion, kbSequence, vectors } : null;
  } catch (cause) {
    if (cause instanceof ReferentError) return null;
    throw cause;
  }
}

function newestOfEachModel(
  entries: readonly SnapshotEntry[],
  keep: number,
): readonly SnapshotEntry[] {
  const models = new Set(entries.map((entry) => entry.modelVersion));
  return [...models].flatMap((model) =>
    entries.filter((entry) => entry.modelVersion === model).slice(0, keep),
  );
}

async function removeAll(folders: readonly string[]): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const folder of folders) if (await removeFolder(folder)) removed.push(folder);
  return removed;
}
