import { dropSnapshotsAhead } from '../index/snapshot.js';
import type { ChangeOptions, KbStore } from '../kb/kb-store.js';

/** A KB and where its indexes are. */
export interface IndexedKb {
  readonly store: KbStore;
  /** Where the KB's index snapshots are (`KbCatalog.derivedFolder`). */
  readonly derivedFolder: string;
}

/** An index that a dead import left, of a sequence that is to come, would pass for one of what is changed. */
export function withoutDeadIndex({ store, derivedFolder }: IndexedKb): ChangeOptions {
  const beforeCommit = async (): Promise<void> => {
    await dropSnapshotsAhead(derivedFolder, async () => (await store.info()).sequence);
  };
  return { beforeCommit };
}
