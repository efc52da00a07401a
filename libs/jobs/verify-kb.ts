import { contentHash } from '../kb/content-hash.js';
import type { KbStore, StoreFinding } from '../kb/kb-store.js';
import { Findings } from './findings.js';
import { verifySnapshots } from './verify-snapshots.js';

export interface VerifyOptions {
  readonly store: KbStore;
  /** Where the KB's index snapshots are (`KbCatalog.derivedFolder`). */
  readonly derivedFolder: string;
  /** Vector version that the KB is searched with where it names none itself. */
  readonly defaultModel: string;
}

const ENCODE =
  'import the knowledge base again with that model (nothing that has a vector is encoded again)';
/** Vectors are normalised; what a sum of 384 products loses in float32 is far below. */
const LENGTH_TOLERANCE = 0.01;
const PAGE = 1_000;

/** Checks a KB's store, vectors and index snapshots against each other; reads only, while others write. */
export async function* verifyKb(options: VerifyOptions): AsyncIterable<StoreFinding> {
  const { store, defaultModel } = options;
  let isReadable = true;
  for await (const finding of store.check.run()) {
    isReadable &&= finding.count === 0;
    yield finding;
  }
  // Of a damaged store nothing else can be said.
  if (!isReadable && !(await canBeRead(store))) return;
  const active = (await store.info()).activeModel ?? defaultModel;
  yield await recordsOf(store);
  yield await modelsOf(store, active);
  yield await embedded(store, active);
  yield await vectorsOf(store, active);
  yield* verifySnapshots(options);
}

async function canBeRead(store: KbStore): Promise<boolean> {
  try {
    await store.info();
    return true;
  } catch {
    return false;
  }
}

async function recordsOf(store: KbStore): Promise<StoreFinding> {
  const findings = new Findings(
    'records and content hashes',
    'PUT the named entities again with a changed field, or import the knowledge base anew',
  );
  for await (const page of store.entities.scan()) {
    for (const { record, contentHash: kept } of page) {
      findings.checked++;
      if (contentHash(record) === kept) continue;
      findings.add(`entity ${JSON.stringify(record.id)} has the hash of another content`);
    }
  }
  return findings.done();
}

async function modelsOf(store: KbStore, active: string): Promise<StoreFinding> {
  const { previous, reembedding } = await store.models.state();
  const findings = new Findings('models', 'cancel the re-embedding, and begin it again');
  const vectors = await store.vectors.models();
  findings.checked = vectors.size;
  if (reembedding?.target === active) {
    findings.add(`it is being embedded under ${active}, which is active already`);
  }
  if (previous === active) findings.add(`the previous model, ${active}, is the active one`);
  if (reembedding !== null) {
    const { target, problem } = reembedding;
    const state = problem === null ? 'under way' : `stopped: ${problem}`;
    findings.note(`re-embedding under ${target} is ${state}`);
  }
  return findings.done();
}

/** Every entity has a vector of the active model. */
async function embedded(store: KbStore, active: string): Promise<StoreFinding> {
  const findings = new Findings(`entities with a vector of ${active}`, ENCODE);
  findings.checked = (await store.info()).entities;
  for (let afterKey = 0; ;) {
    const keys = await store.vectors.entitiesWithout(active, { afterKey, limit: PAGE });
    // One that was changed or deleted since the look is looked at again, under its key.
    const found = await store.entities.byKeys(keys);
    for (const { record } of found.values()) {
      findings.add(`entity ${JSON.stringify(record.id)} has no vector and cannot be linked`);
    }
    if (keys.length < PAGE) return findings.done();
    afterKey = keys.at(-1) ?? afterKey;
  }
}

async function vectorsOf(store: KbStore, active: string): Promise<StoreFinding> {
  const findings = new Findings(`vectors of ${active}`, ENCODE);
  let width: number | null = null;
  for await (const { keys, vectors } of store.vectors.scan(active, { withStaged: false })) {
    const dimensions = vectors.length / keys.length;
    width ??= dimensions;
    if (dimensions !== width) findings.add(`those of keys from ${keys[0]} have other dimensions`);
    for (const [row, key] of keys.entries()) {
      findings.checked++;
      const length = Math.hypot(...vectors.subarray(row * dimensions, (row + 1) * dimensions));
      if (Math.abs(length - 1) <= LENGTH_TOLERANCE) continue;
      findings.add(`the vector of key ${key} has length ${length}, not 1`);
    }
  }
  return findings.done();
}
