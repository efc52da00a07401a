import type { EntityRecord } from '../contract/entity.js';
import { ReferentError } from '../contract/errors.js';
import { dropSnapshotsAfter } from '../index/snapshot.js';
import { contentHash } from '../kb/content-hash.js';
import type { EntityWrite, KbStore, WriteReport } from '../kb/kb-store.js';
import { textOf, type EntityEncoder } from './embedder.js';

/** A KB and the model that it is searched with. */
export interface WritePair {
  readonly store: KbStore;
  readonly model: EntityEncoder;
  /** Where the KB's index snapshots are (`KbCatalog.derivedFolder`). */
  readonly derivedFolder: string;
}

/** The pair as it is now; `isOutdated` where the KB has moved on from the one given before. */
export type PairNow = (isOutdated: boolean) => Promise<WritePair>;

/** A KB changes its model once in a while, not again and again. */
const ATTEMPTS = 5;
/** Entities of one call of the model, which others' calls can go between. */
const CALL = 64;

/**
 * Encodes what has no vector yet and makes the writes, all in one durable transaction. Where the KB moves to another
 * model meanwhile it begins again with that one.
 * @throws ReferentError `busy` while an import becomes visible; `model-mismatch` where the model cannot be had.
 */
export async function writeEntities(
  writes: readonly EntityWrite[],
  pairNow: PairNow,
): Promise<WriteReport> {
  for (let attempt = 1; ; attempt++) {
    const pair = await pairNow(attempt > 1);
    try {
      await encodeMissing(
        writes.flatMap(({ record }) => record ?? []),
        pair,
      );
      return await write(writes, pair);
    } catch (error) {
      if (!isMismatch(error) || attempt >= ATTEMPTS) throw error;
    }
  }
}

function write(
  writes: readonly EntityWrite[],
  { store, model, derivedFolder }: WritePair,
): Promise<WriteReport> {
  return store.writes.write(writes, {
    modelVersion: model.manifest.version,
    beforeCommit: async () => {
      await dropSnapshotsAfter(derivedFolder, (await store.info()).sequence);
    },
  });
}

async function encodeMissing(
  records: readonly EntityRecord[],
  { store, model }: WritePair,
): Promise<void> {
  const { version, dimensions } = model.manifest;
  const byHash = new Map(records.map((record) => [contentHash(record), record]));
  const missing = await store.vectors.missing(version, [...byHash.keys()]);
  const waiting = [...byHash].filter(([hash]) => missing.has(hash));
  for (let from = 0; from < waiting.length; from += CALL) {
    const call = waiting.slice(from, from + CALL);
    const matrix = await model.encodeEntities(call.map(([, record]) => textOf(record))); // [N, D]
    const rows = call.map(([hash], row) => ({
      contentHash: hash,
      vector: matrix.subarray(row * dimensions, (row + 1) * dimensions),
    }));
    await store.vectors.put(version, rows);
  }
}

function isMismatch(error: unknown): boolean {
  return error instanceof ReferentError && error.code === 'model-mismatch';
}
