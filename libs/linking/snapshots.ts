import { mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import {
  buildSnapshot,
  dropAbandoned,
  hasSnapshotIn,
  listSnapshots,
  openSnapshot,
  pruneSnapshots,
  type Snapshot,
} from '../index/snapshot.js';
import { FileLock } from '../kb/file-lock.js';
import type { KbStore } from '../kb/kb-store.js';
import type { VectorModel } from './kb-view.js';

/** The newest, and the one before it for a process that is still on it. */
const SNAPSHOTS_KEPT = 2;

export interface SnapshotSearch {
  readonly folder: string;
  readonly model: VectorModel;
  /** Only snapshots of a later sequence than this are of interest… */
  readonly after: number;
  /** …and none that is ahead of the KB: an import that never committed left it. */
  readonly upTo: number;
  readonly onWarning: (message: string) => void;
}

/** The newest snapshot that can be used; one that is damaged is put aside with a warning. */
export async function newestSnapshot(search: SnapshotSearch): Promise<Snapshot | null> {
  const { folder, model, after, upTo } = search;
  if (!(await hasSnapshotIn(folder, { modelVersion: model.version, after, upTo }))) return null;
  const entries = await listSnapshots(folder, model.version);
  for (const entry of entries) {
    if (entry.kbSequence <= after || entry.kbSequence > upTo) continue;
    const snapshot = await openOrPutAside(entry.folder, search);
    if (snapshot !== null) return snapshot;
  }
  return null;
}

const PUT_ASIDE =
  'It was put aside and nothing is lost: the stored vectors are searched in memory until a new index is built, ' +
  'in the background where they are many, else by a later import.';

async function openOrPutAside(
  folder: string,
  { model, onWarning }: SnapshotSearch,
): Promise<Snapshot | null> {
  const { version: modelVersion, dimensions } = model;
  try {
    return await openSnapshot(folder, { modelVersion, dimensions });
  } catch (error) {
    if (!(error instanceof ReferentError)) throw error;
    await putAside(folder);
    onWarning(`${error.message} ${PUT_ASIDE}`);
    return null;
  }
}

/** Renamed, so that it is not tried again but can be looked at; another process may have done it before. */
async function putAside(folder: string): Promise<void> {
  const aside = join(dirname(folder), `.damaged-${basename(folder)}-${Date.now()}`);
  await rename(folder, aside).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  });
}

export interface Compaction {
  readonly store: KbStore;
  readonly model: VectorModel;
  readonly folder: string;
  /** A snapshot in (after, upTo] is what is wanted already. */
  readonly after: number;
  readonly upTo: number;
  readonly signal?: AbortSignal;
}

/**
 * Folds what has changed into a new snapshot: `built`; or another process has done so, `found`, or is at it,
 * `elsewhere`. One process at a time builds, and nobody waits for it.
 * @throws ReferentError `disk-full`; the signal's reason. The snapshots are as they were then.
 */
export async function compact(options: Compaction): Promise<'built' | 'found' | 'elsewhere'> {
  const { store, model, folder, after, upTo, signal } = options;
  await mkdir(folder, { recursive: true });
  const lock = FileLock.exclusive(join(folder, 'build.lock'));
  if (lock === null) return 'elsewhere';
  try {
    if (await hasSnapshotIn(folder, { modelVersion: model.version, after, upTo })) return 'found';
    await dropAbandoned(folder);
    await makeSnapshot(store, model, folder, signal);
    return 'built';
  } finally {
    lock.release();
  }
}

/** Builds a snapshot of what the store holds now. What is committed meanwhile may be in it: taking it over twice does no harm. */
export async function makeSnapshot(
  store: KbStore,
  model: VectorModel,
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  const { sequence: kbSequence } = await store.info();
  const spec = { modelVersion: model.version, dimensions: model.dimensions, kbSequence };
  const visible = { withStaged: false };
  const vectors = store.vectors.scan(model.version, visible);
  await buildSnapshot(folder, spec, vectors, store.names.scan(visible), () => {
    signal?.throwIfAborted();
  });
  await pruneSnapshots(folder, SNAPSHOTS_KEPT);
}
