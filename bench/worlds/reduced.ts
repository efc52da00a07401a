import type { GoldDocument } from '../../libs/evaluation/gold.js';
import { sampleOrdinals } from '../../libs/evaluation/sample.js';

const SHARE = 0.1;

/** A tenth of the entities that the documents mention, by a seed. */
export function entitiesToRemove(
  documents: readonly GoldDocument[],
  seed: number,
): ReadonlySet<string> {
  const mentioned = new Set(
    documents.flatMap(({ mentions }) => mentions.map(({ entityId }) => entityId)),
  );
  mentioned.delete(null);
  const ids = [...mentioned].filter((id) => id !== null).sort();
  const chosen = sampleOrdinals(ids.length, Math.round(ids.length * SHARE), seed);
  return new Set(ids.filter((_, at) => chosen.has(at)));
}

/** The documents as they are for a KB without these entities: their mentions are NIL. */
export function withoutEntities(
  documents: readonly GoldDocument[],
  removed: ReadonlySet<string>,
): GoldDocument[] {
  const isGone = (id: string | null) => id !== null && removed.has(id);
  return documents.map((document) => ({
    ...document,
    mentions: document.mentions.map((mention) =>
      isGone(mention.entityId) ? { ...mention, entityId: null } : mention,
    ),
  }));
}
