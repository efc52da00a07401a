import { dropSnapshotsAhead } from '../index/snapshot.js';
import type { ChangeOptions, KbStore } from '../kb/kb-store.js';

/** A KB and where its indexes are. */
export interface IndexedKb {
  readonly store: KbStore;
  /** Where the KB's index snapshots are (`KbCatalog.derivedFolder`). */
  readonly derivedFolder: string;
}

/**
 * Drops the indexes of a later state than the store is in: those that the store left behind when it was restored from a
 * copy, as opening a KB does. For who changes a store without having opened its index.
 */
export async function dropIndexesAhead({ store, derivedFolder }: IndexedKb): Promise<void> {
  await dropSnapshotsAhead(derivedFolder, async () => (await store.info()).sequence);
}

/** An index that a dead import left, of a sequence that is to come, would pass for one of what is changed. */
export function withoutDeadIndex(kb: IndexedKb): ChangeOptions {
  return { beforeCommit: () => dropIndexesAhead(kb) };
}
