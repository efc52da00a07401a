import type { EntityRecord } from '../contract/entity.js';
import { ReferentError } from '../contract/errors.js';
import { contentHash } from '../kb/content-hash.js';
import type { EntityWrite, WriteReport } from '../kb/kb-store.js';
import { entityText } from '../linking/records.js';
import { withoutDeadIndex, type IndexedKb } from './dead-index.js';
import { embed, type EntityEncoder } from './embedder.js';

/** A KB and the model that it is searched with. */
export interface WritePair extends IndexedKb {
  readonly model: EntityEncoder;
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
      const modelVersion = pair.model.manifest.version;
      return await pair.store.writes.write(writes, { modelVersion, ...withoutDeadIndex(pair) });
    } catch (error) {
      if (!isMismatch(error) || attempt >= ATTEMPTS) throw error;
    }
  }
}

async function encodeMissing(
  records: readonly EntityRecord[],
  { store, model }: WritePair,
): Promise<void> {
  const byHash = new Map(records.map((record) => [contentHash(record), record]));
  const missing = await store.vectors.missing(model.manifest.version, [...byHash.keys()]);
  const waiting = [...byHash].filter(([hash]) => missing.has(hash));
  const contents = waiting.map(([hash, record]) => {
    return { contentHash: hash, text: entityText(record) };
  });
  for (let from = 0; from < contents.length; from += CALL) {
    await embed(contents.slice(from, from + CALL), model, store.vectors);
  }
}

function isMismatch(error: unknown): boolean {
  return error instanceof ReferentError && error.code === 'model-mismatch';
}
