import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import {
  buildSnapshot,
  listSnapshots,
  openSnapshot,
  pruneSnapshots,
  type Snapshot,
} from '../index/snapshot.js';
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

/** Builds a snapshot of what the store holds now. What is committed meanwhile may be in it: taking it over twice does no harm. */
export async function makeSnapshot(
  store: KbStore,
  model: VectorModel,
  folder: string,
): Promise<void> {
  const { sequence: kbSequence } = await store.info();
  const spec = { modelVersion: model.version, dimensions: model.dimensions, kbSequence };
  const visible = { withStaged: false };
  const vectors = store.vectors.scan(model.version, visible);
  await buildSnapshot(folder, spec, vectors, store.names.scan(visible));
  await pruneSnapshots(folder, SNAPSHOTS_KEPT);
}
