import { setImmediate as nextTurn } from 'node:timers/promises';
import { ReferentError } from '../contract/errors.js';
import { exactNearest, recallOf } from '../index/recall.js';
import type { Neighbours, VectorIndex } from '../index/vector-index.js';
import type { KbStore, StoredEntity } from '../kb/kb-store.js';
import { entityText } from '../linking/records.js';
import type { LinkingModel } from '../model/linking-model.js';

/** Entities that are looked at. */
export const SAMPLE = 128;
const NEAREST = 100;
/** The graphs compute in eight bits, scaled by batch: one entity's vectors of two batches differ so much at most. */
const SAME_COSINE = 0.95;
const MUST_FIND = 0.95;
const MIN_RECALL = 0.95;

export interface IndexReport {
  /** Entities of the sample that are still there. */
  readonly sampled: number;
  /** Those whose stored vector is what the model makes of them now. */
  readonly sameVector: number;
  /** Those that the index finds by it, among the 100 nearest. */
  readonly foundThemselves: number;
  /** Of the 100 entities nearest to a mention of each. */
  readonly recall: number;
}

export interface CheckedIndex {
  readonly index: VectorIndex;
  readonly store: KbStore;
  readonly model: LinkingModel;
  /** Keys of the sample. */
  readonly keys: readonly number[];
  readonly onProgress: (done: number, total: number) => void;
}

/**
 * Tries an index with its model as requests will: a sample of entities, encoded anew, has to find itself, and mentions
 * of them have to find what a search of all vectors one by one finds.
 */
export async function checkIndex(checked: CheckedIndex): Promise<IndexReport> {
  const { index, store, model, keys, onProgress } = checked;
  const { dimensions } = model.manifest;
  const entities = [...(await store.entities.byKeys(keys)).values()];
  const own = await model.encodeEntities(
    entities.map(({ record }) => entityText(record)),
    'batch',
  );
  const rowOf = (vectors: Float32Array, row: number) =>
    vectors.subarray(row * dimensions, (row + 1) * dimensions);
  let sameVector = 0;
  let foundThemselves = 0;
  for (const [row, { key }] of entities.entries()) {
    const query = rowOf(own, row);
    if ((index.cosines(query, [key])[0] ?? 0) >= SAME_COSINE) sameVector += 1;
    const [found] = index.search(query, NEAREST);
    if (found !== undefined && isAmong(key, found, index, query)) foundThemselves += 1;
    await nextTurn();
  }
  const mentions = await mentionVectors(entities, model);
  const found: Neighbours[] = [];
  for (let row = 0; row < mentions.length / dimensions; row++) {
    found.push(...index.search(rowOf(mentions, row), NEAREST));
    onProgress(row + 1, entities.length);
    await nextTurn();
  }
  const pages = store.vectors.scan(model.manifest.version, { withStaged: false });
  const exact = await exactNearest(mentions, NEAREST, { dimensions, pages });
  return { sampled: entities.length, sameVector, foundThemselves, recall: recallOf(found, exact) };
}

/** Itself, or as near as itself: more than 100 entities may share one content. */
function isAmong(
  key: number,
  { keys, cosines }: Neighbours,
  index: VectorIndex,
  query: Float32Array,
) {
  if (keys.includes(key)) return true;
  return (index.cosines(query, [key])[0] ?? NaN) >= (cosines.at(-1) ?? 1) - 1e-5;
}

/** [M, D]: each entity's title as a mention before its description; those whose title has no pieces are left out. */
async function mentionVectors(
  entities: readonly StoredEntity[],
  model: LinkingModel,
): Promise<Float32Array> {
  const rows: Float32Array[] = [];
  for (const { record } of entities) {
    const text = `${record.title} ${record.description.slice(0, 400)}`;
    const span = { start: 0, end: record.title.length, surface: record.title };
    const row = await model.encodeMentions(model.tokenize(text), [span], 'batch');
    if (row.some((value) => value !== 0)) rows.push(row);
  }
  const all = new Float32Array(rows.length * model.manifest.dimensions);
  rows.forEach((row, at) => {
    all.set(row, at * row.length);
  });
  return all;
}

/** What is wrong, if anything: `vectors` are not the model's, or the `index` does not find them. */
export function faultOf(report: IndexReport): 'vectors' | 'index' | null {
  const { sampled, sameVector, foundThemselves, recall } = report;
  if (sameVector < MUST_FIND * sampled) return 'vectors';
  return foundThemselves < MUST_FIND * sampled || recall < MIN_RECALL ? 'index' : null;
}

export function failedCheck(report: IndexReport): ReferentError {
  const { sampled, sameVector, foundThemselves, recall } = report;
  const share = `${MUST_FIND * 100} %`;
  const isDamaged = faultOf(report) === 'vectors';
  return new ReferentError(
    'index-invalid',
    isDamaged
      ? `Of ${sampled} sampled entities ${sameVector} have the vector that the model makes of them, fewer than ${share}: the stored vectors are not this model's. They were removed; ask again, and they are made anew.`
      : `Of ${sampled} sampled entities the index finds ${foundThemselves}, and ${(recall * 100).toFixed(1)} % of the 100 nearest of their mentions; ${share} is the least. It was removed; ask again, and it is built anew.`,
  );
}
