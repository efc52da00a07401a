import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import {
  openWholeSnapshot,
  snapshotFolders,
  snapshotRows,
  type Snapshot,
} from '../index/snapshot.js';
import type { Change, KbStore, StoreFinding } from '../kb/kb-store.js';
import { Findings } from './findings.js';
import { MergedRows, type RowPage } from './merged-rows.js';

export interface SnapshotsOptions {
  readonly store: KbStore;
  readonly derivedFolder: string;
}

const PAGE = 10_000;

/** Every snapshot against its checksums and against the store, and what else lies beside them. */
export async function* verifySnapshots(options: SnapshotsOptions): AsyncIterable<StoreFinding> {
  for (const folder of await snapshotFolders(options.derivedFolder)) {
    const finding = await verifyFolder(folder, options.store);
    if (finding !== null) yield finding;
  }
  yield await leftoversIn(options.derivedFolder);
}

/** null where it was removed while it was looked at: a newer one has taken its place. */
async function verifyFolder(folder: string, store: KbStore): Promise<StoreFinding | null> {
  const findings = new Findings(
    `index ${basename(folder)}`,
    `delete ${folder}: the index is rebuilt from the stored vectors, and nothing is encoded again`,
  );
  const snapshot = await opened(folder, findings);
  if (snapshot === null) return existsSync(folder) ? findings.done() : null;
  try {
    await compare(snapshot, { store, findings });
  } finally {
    snapshot.vectors.close();
  }
  return findings.done();
}

async function opened(folder: string, findings: Findings): Promise<Snapshot | null> {
  try {
    return await openWholeSnapshot(folder);
  } catch (error) {
    if (!(error instanceof ReferentError) && existsSync(folder)) throw error;
    findings.add(String(error instanceof Error ? error.message : error));
    return null;
  }
}

interface Comparison {
  readonly store: KbStore;
  readonly findings: Findings;
}

async function compare(snapshot: Snapshot, { store, findings }: Comparison): Promise<void> {
  const { modelVersion, kbSequence, vectors } = snapshot.manifest;
  findings.checked = vectors;
  if (!basename(snapshot.folder).endsWith(`-${kbSequence}`)) {
    findings.add(`its manifest is of sequence ${kbSequence}`);
  }
  if (kbSequence > (await store.info()).sequence) {
    findings.note(
      'it is ahead of the KB and not used: an import that runs has built it, or one that died; then it is dropped with the next change',
    );
    return;
  }
  if (!(await store.vectors.models()).has(modelVersion)) {
    findings.note(`the store has no vectors of ${modelVersion} any more to compare it with`);
    return;
  }
  await compareRows(snapshot, { store, findings });
  await compareNames(snapshot, { store, findings });
}

/** What the change feed tells of after the snapshot differs by right; it is read last, so that it has all of it. */
async function compareRows(snapshot: Snapshot, { store, findings }: Comparison): Promise<void> {
  const { modelVersion, kbSequence } = snapshot.manifest;
  const differences = new Map<number, string>();
  const stored = store.vectors.scan(modelVersion, { withStaged: false });
  for await (const { key, left, right } of new MergedRows(
    stored,
    asPages(snapshotRows(snapshot)),
  )) {
    if (left === null) differences.set(key, 'is in the index, and no entity has it');
    else if (right === null) differences.set(key, 'is not in the index');
    else if (!isSame(left, right)) differences.set(key, 'has another vector in the index');
  }
  if (differences.size === 0) return;
  for await (const { key } of changesAfter(store, kbSequence)) differences.delete(key);
  for (const [key, what] of differences) findings.add(`key ${key} ${what}`);
}

async function compareNames(
  { names, manifest }: Snapshot,
  { store, findings }: Comparison,
): Promise<void> {
  const missing = new Set<string>();
  for await (const page of store.names.scan({ withStaged: false })) {
    for (const name of page) if (!names.has(name)) missing.add(name);
  }
  if (missing.size === 0) return;
  for await (const keys of pagesOf(changesAfter(store, manifest.kbSequence))) {
    for (const name of await store.names.ofKeys(keys)) missing.delete(name);
  }
  // One that was taken away since the scan is no name any more.
  const present = await store.names.present([...missing]);
  for (const name of present) findings.add(`the name ${JSON.stringify(name)} is not in the index`);
}

async function* changesAfter(store: KbStore, sequence: number): AsyncIterable<Change> {
  for (let last = sequence; ;) {
    const changes = await store.changesSince(last, PAGE);
    yield* changes;
    if (changes.length < PAGE) return;
    last = changes.at(-1)?.sequence ?? last;
  }
}

async function* pagesOf(changes: AsyncIterable<Change>): AsyncIterable<readonly number[]> {
  let keys: number[] = [];
  for await (const { key } of changes) {
    keys.push(key);
    if (keys.length < PAGE) continue;
    yield keys;
    keys = [];
  }
  if (keys.length > 0) yield keys;
}

async function* asPages(pages: Iterable<RowPage>): AsyncIterable<RowPage> {
  for (const page of pages) yield await Promise.resolve(page);
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

const LEFT: readonly (readonly [prefix: string, what: string])[] = [
  ['.building-', 'is of an index build that runs, or of a dead one: the next build removes it'],
  ['.removed-', 'is of a removal that was cut short: the next build removes it'],
  ['.damaged-', 'was put aside because it was damaged: delete it when you have looked at it'],
];

async function leftoversIn(folder: string): Promise<StoreFinding> {
  const findings = new Findings('leftovers', '');
  const names = existsSync(folder) ? await readdir(folder) : [];
  findings.checked = names.length;
  for (const name of names) {
    const left = LEFT.find(([prefix]) => name.startsWith(prefix));
    if (left !== undefined) findings.note(`${name} ${left[1]}`);
  }
  return findings.done();
}
