import { LayeredIndex } from '../index/layered-index.js';
import { NameSet } from '../index/name-set.js';
import type { Snapshot } from '../index/snapshot.js';
import type { Change, KbStore, VectorPage } from '../kb/kb-store.js';

/** The model's side of a view: which vectors, and how wide. */
export interface VectorModel {
  readonly version: string;
  /** What answers name, where more than vectors made them; the version where absent. */
  readonly release?: string;
  readonly dimensions: number;
}

/** Changes that a view has read from the store and can take over without waiting. */
export interface PendingChanges {
  readonly removed: readonly number[];
  readonly upserted: VectorPage;
  /** Upserted entities without a vector of this model. */
  readonly unembedded: readonly number[];
  readonly names: readonly string[];
  /** All names, where the view's have some that were forgotten: a set of names cannot lose one. */
  readonly renewed: { readonly names: NameSet; readonly since: number } | null;
  /** The sequence the view is at when it has taken them. */
  readonly sequence: number;
}

/** Changes read at a time: some 15 MB of vectors at most. */
const CHANGES_A_PAGE = 10_000;

/** A KB as one search sees it: vectors and names at a sequence of the change feed. */
export class KbView {
  private constructor(
    readonly index: LayeredIndex,
    private known: NameSet,
    /** The sequence of the snapshot underneath; null where there is none. */
    readonly baseSequence: number | null,
    private reached: number,
    /** The sequence since when no name was forgotten that `known` has. */
    private namesSince = reached,
  ) {}

  get names(): NameSet {
    return this.known;
  }

  get sequence(): number {
    return this.reached;
  }

  /** What answers say of the index: its base, and how many entities differ from it. */
  get version(): string {
    const base = this.baseSequence === null ? 'memory' : `snapshot-${this.baseSequence}`;
    return `${base}+${this.index.changes}`;
  }

  static ofSnapshot({ manifest, vectors, names }: Snapshot): KbView {
    const index = new LayeredIndex(manifest.dimensions, vectors);
    return new KbView(index, names, manifest.kbSequence, manifest.kbSequence);
  }

  /** All stored vectors and names, in memory: exact, and as fast as a graph up to some thousands. */
  static async ofStore(store: KbStore, model: VectorModel): Promise<KbView> {
    const { sequence } = await store.info();
    const index = new LayeredIndex(model.dimensions, null);
    for await (const { keys, vectors } of store.vectors.scan(model.version, {
      withStaged: false,
    })) {
      index.upsert(keys, vectors);
    }
    return new KbView(index, await allNamesOf(store), null, sequence);
  }

  /** The next changes of the store; null when there are none. */
  async pending(store: KbStore, model: VectorModel): Promise<PendingChanges | null> {
    const changes = await store.changesSince(this.reached, CHANGES_A_PAGE);
    const last = changes.at(-1);
    if (last === undefined) return null;
    const keys = keysOf(changes, 'upsert');
    const upserted = await store.vectors.ofKeys(model.version, keys);
    const embedded = new Set(upserted.keys);
    return {
      removed: keysOf(changes, 'delete'),
      upserted,
      unembedded: keys.filter((key) => !embedded.has(key)),
      names: await store.names.ofKeys(keys),
      renewed: await this.renewedNames(store),
      sequence: last.sequence,
    };
  }

  private async renewedNames(store: KbStore): Promise<PendingChanges['renewed']> {
    const since = await store.learned.forgottenAt();
    return since > this.namesSince ? { names: await allNamesOf(store), since } : null;
  }

  /** An entity that has no vector any more, or not of this model, cannot be found by its old one. */
  apply(pending: PendingChanges): void {
    const { removed, upserted, unembedded, names, renewed, sequence } = pending;
    this.index.remove([...removed, ...unembedded]);
    this.index.upsert(upserted.keys, upserted.vectors);
    if (renewed !== null) ({ names: this.known, since: this.namesSince } = renewed);
    this.known.add(names);
    this.reached = sequence;
  }

  /** Notes that there is no change up to this sequence which the view has not taken: learning can move it alone. */
  reach(sequence: number): void {
    this.reached = Math.max(this.reached, sequence);
  }

  close(): void {
    this.index.close();
  }
}

/** The names of the gazetteer, listed and learned, as the store has them now. */
export async function allNamesOf(store: KbStore): Promise<NameSet> {
  const names = NameSet.empty();
  for await (const page of store.names.scan({ withStaged: false })) names.add(page);
  return names;
}

function keysOf(changes: readonly Change[], kind: Change['kind']): number[] {
  return changes.filter((change) => change.kind === kind).map((change) => change.key);
}
