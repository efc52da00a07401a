import type { Versions } from '../contract/annotate.js';
import { ReferentError } from '../contract/errors.js';
import { dropAbandoned, dropSnapshotsAhead } from '../index/snapshot.js';
import type { VectorIndex } from '../index/vector-index.js';
import type { KbStore } from '../kb/kb-store.js';
import type { KnownNames } from './gazetteer.js';
import { KbView, type VectorModel } from './kb-view.js';
import { ReadGate } from './read-gate.js';
import { compact, newestSnapshot } from './snapshots.js';

/** So many changes since the snapshot, and a new one is made: a search of them all then takes about 4 ms. */
const CHANGES_BEFORE_SNAPSHOT = 5_000;
/** A disk that was full is not tried again at once. */
const PAUSE_AFTER_FAILURE_MS = 60_000;
/** While another process builds, its lock is tried so often. */
const PAUSE_WHILE_OTHERS_BUILD_MS = 1_000;

export interface KnowledgeBaseOptions {
  readonly store: KbStore;
  /** The manifest of the model that made the vectors. */
  readonly model: VectorModel;
  /** Where snapshots of the index are kept. */
  readonly derivedFolder: string;
  /** Hears of what was repaired or could not be followed. */
  readonly onWarning?: (message: string) => void;
  readonly changesBeforeSnapshot?: number;
  readonly pauseAfterFailureMs?: number;
  /** Opens it although entities have no vector of this model yet: they are not found. For looking at an index. */
  readonly withUnembedded?: boolean;
}

/**
 * One KB under one model version: the store, and a view of its vectors and names that follows the store's
 * change feed. Readers see one state of the view throughout `read`.
 */
export class KnowledgeBase {
  private readonly gate = new ReadGate();
  private refreshing: Promise<void> | null = null;
  private building: Promise<void> | null = null;
  private isClosed = false;
  /** A snapshot was made here and is not in use yet. */
  private hasNewSnapshot = false;
  /** No snapshot is tried before: of the clock of `performance.now`. */
  private nextTryAt = -Infinity;
  private readonly closing = new AbortController();

  private constructor(
    private readonly options: KnowledgeBaseOptions,
    private view: KbView,
  ) {}

  /**
   * Opens the newest good snapshot and catches up with the store. Without one the stored vectors are loaded
   * into memory, and a KB too large to be searched so gets its snapshot in the background.
   * `model-mismatch` where entities have no vector of this model, unless that is allowed.
   */
  static async open(options: KnowledgeBaseOptions): Promise<KnowledgeBase> {
    await dropAbandoned(options.derivedFolder);
    await dropAhead(options);
    const view = await openView(options);
    const kb = new KnowledgeBase(options, view);
    try {
      await kb.refresh();
      if (options.withUnembedded !== true) await kb.checkAllEmbedded();
    } catch (error) {
      await kb.close();
      throw error;
    }
    return kb;
  }

  get store(): KbStore {
    return this.options.store;
  }

  get name(): string {
    return this.options.store.name;
  }

  /** The gazetteer: which normalised names the KB has. */
  readonly names: KnownNames = { has: (name) => this.view.names.has(name) };

  versions(): Versions {
    return {
      model: this.options.model.release ?? this.options.model.version,
      kb: { name: this.name, sequence: this.view.sequence },
      index: this.view.version,
    };
  }

  /** Where the view stands: the change it has reached, and how many differ from the snapshot underneath. */
  get state(): { readonly sequence: number; readonly indexChanges: number } {
    return { sequence: this.view.sequence, indexChanges: this.view.index.changes };
  }

  /** Runs `work` on an index that stays as it is until `work` ends; `not-ready` once the KB is closed. */
  read<T>(work: (index: VectorIndex) => Promise<T>): Promise<T> {
    return this.gate.read(async () => {
      if (this.isClosed) throw closedMeanwhile(this.name);
      return work(this.view.index);
    });
  }

  /** Follows what this or another process has committed; servers call it every half second. Cheap when nothing changed. */
  refresh(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    this.refreshing ??= this.follow().finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  /** Follows until the view is as new as this committed sequence: a refresh under way may have looked before it. */
  async refreshTo(sequence: number): Promise<void> {
    await this.refresh();
    if (this.view.sequence < sequence) await this.refresh();
  }

  /** Waits for a snapshot that is being built in the background, if one is. */
  async settled(): Promise<void> {
    await this.building;
    await this.refreshing;
  }

  /** Closes the view when its readers are done; the store stays open. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.closing.abort(closedMeanwhile(this.name));
    await this.settled();
    await this.gate.write(() => {
      this.view.close();
    });
  }

  private async follow(): Promise<void> {
    const { sequence } = await this.store.info();
    if (sequence !== this.view.sequence || this.hasNewSnapshot) {
      this.hasNewSnapshot = false;
      await this.openNewerSnapshot(sequence);
      await this.applyChanges();
      await this.gate.write(() => {
        this.view.reach(sequence);
      });
    }
    this.buildWhenDue();
  }

  private async openNewerSnapshot(upTo: number): Promise<void> {
    const snapshot = await newestSnapshot(searchFor(this.options, this.view.baseSequence, upTo));
    if (snapshot === null) return;
    const newer = KbView.ofSnapshot(snapshot);
    await catchUp(newer, this.options);
    await this.gate.write(() => {
      this.view.close();
      this.view = newer;
    });
  }

  private async applyChanges(): Promise<void> {
    const { store, model } = this.options;
    for (;;) {
      const pending = await this.view.pending(store, model);
      if (pending === null) return;
      await this.gate.write(() => {
        this.view.apply(pending);
      });
      // One that was deleted since the changes were read has no vector either.
      const { size } = await store.entities.byKeys(pending.unembedded);
      if (size > 0) this.warn(unembedded(this, size));
    }
  }

  private buildWhenDue(): void {
    if (this.building !== null || this.isClosed || !this.isBuildDue()) return;
    this.building = this.build()
      .catch((error: unknown) => {
        if (!this.isClosed) this.notBuilt(error);
      })
      .finally(() => {
        this.building = null;
      });
  }

  private notBuilt(error: unknown): void {
    const { pauseAfterFailureMs = PAUSE_AFTER_FAILURE_MS } = this.options;
    this.nextTryAt = performance.now() + pauseAfterFailureMs;
    this.warn(
      `The index of KB '${this.name}' could not be rebuilt: ${String(error)} The one before stays in service, and ` +
        `what has changed since is searched beside it. The next try is in ${pauseAfterFailureMs / 1_000} s.`,
    );
  }

  private isBuildDue(): boolean {
    const due = this.options.changesBeforeSnapshot ?? CHANGES_BEFORE_SNAPSHOT;
    return this.view.index.changes >= due && performance.now() >= this.nextTryAt;
  }

  private async build(): Promise<void> {
    const { store, model, derivedFolder: folder } = this.options;
    const [after, upTo] = [this.view.baseSequence ?? -1, this.view.sequence];
    const { signal } = this.closing;
    const made = await compact({ store, model, folder, after, upTo, signal });
    if (made === 'elsewhere') {
      this.nextTryAt = performance.now() + PAUSE_WHILE_OTHERS_BUILD_MS;
      return;
    }
    this.hasNewSnapshot = true;
    await this.refreshing;
    await this.refresh();
    if (made === 'built') await store.vectors.dropRetired();
  }

  private async checkAllEmbedded(): Promise<void> {
    const { entities } = await this.store.info();
    const missing = entities - this.view.index.size;
    // While another process commits, the two counts can be of different moments.
    if (missing <= 0 || (await this.hasMoved())) return;
    throw new ReferentError('model-mismatch', unembedded(this, missing));
  }

  private async hasMoved(): Promise<boolean> {
    return (await this.store.info()).sequence !== this.view.sequence;
  }

  private warn(message: string): void {
    this.options.onWarning?.(message);
  }
}

/** Where the store was restored from a copy. */
async function dropAhead({ store, derivedFolder, onWarning }: KnowledgeBaseOptions): Promise<void> {
  const sequenceNow = async () => (await store.info()).sequence;
  const dropped = await dropSnapshotsAhead(derivedFolder, sequenceNow);
  if (dropped.length === 0) return;
  onWarning?.(
    `KB '${store.name}' is in an earlier state than ${dropped.length} of its indexes, which were dropped: its store was restored from a copy.`,
  );
}

async function openView(options: KnowledgeBaseOptions): Promise<KbView> {
  const { sequence } = await options.store.info();
  const snapshot = await newestSnapshot(searchFor(options, null, sequence));
  return snapshot === null
    ? KbView.ofStore(options.store, options.model)
    : KbView.ofSnapshot(snapshot);
}

function searchFor(options: KnowledgeBaseOptions, after: number | null, upTo: number) {
  const { derivedFolder: folder, model, onWarning = () => undefined } = options;
  return { folder, model, after: after ?? -1, upTo, onWarning };
}

async function catchUp(view: KbView, { store, model }: KnowledgeBaseOptions): Promise<void> {
  for (;;) {
    const pending = await view.pending(store, model);
    if (pending === null) return;
    view.apply(pending);
  }
}

function closedMeanwhile(name: string): ReferentError {
  return new ReferentError(
    'not-ready',
    `The knowledge base '${name}' was closed: it was removed or replaced meanwhile, or the process is ending. Try again.`,
  );
}

function unembedded(kb: KnowledgeBase, count: number): string {
  const { model } = kb.versions();
  return (
    `${count} entities of KB '${kb.name}' have no vector of model ${model} and cannot be linked. ` +
    'Import the KB again with this model: entities that are unchanged are only encoded anew.'
  );
}
