import type { EntityRecord } from '../contract/entity.js';
import type { ReembeddingProgress } from '../contract/models-api.js';

/** One entity as stored: its record, the integer key that only indexes use, and the hash of what the encoder reads. */
export interface StoredEntity {
  readonly key: number;
  readonly record: EntityRecord;
  /** Hex SHA-256 over title, aliases, types and description: equal hash, equal vector. */
  readonly contentHash: string;
}

export interface KbInfo {
  readonly name: string;
  /** Grows with every committed change; 0 is an empty KB. */
  readonly sequence: number;
  readonly entities: number;
  /** Pairs of a normalised name and an entity that carries it. */
  readonly names: number;
  /** ISO 8601, UTC. */
  readonly updatedAt: string;
  /** Vector version that it is searched with; null: that of who opens it (`ModelTable`). */
  readonly activeModel: string | null;
  /** Why the KB cannot be opened; its counts are 0 then. Only in lists. */
  readonly problem?: string;
}

/** An entity that carries a name exactly (after `normaliseName`), or that labelled texts call so. */
export interface NameHit {
  readonly key: number;
  readonly isTitle: boolean;
  /** Its title or one of its aliases; false where only labelled texts call it so. */
  readonly isListed: boolean;
  /** P(entity | name) among the KB's entities with that name, from given priors; null where none was given. */
  readonly prior: number | null;
  /** What labelled texts say of the name; null where they never use it. */
  readonly learned: LearnedCount | null;
}

export interface LearnedCount {
  /** Mentions by this name that were the entity. */
  readonly count: number;
  /** All mentions by this name, those of no entity (NIL) too. */
  readonly total: number;
}

export interface LexicalQuery {
  /** Words of the mention: heavy. */
  readonly mention: readonly string[];
  /** Words around it: light, and only the rare ones are used. */
  readonly context: readonly string[];
}

export interface LexicalHit {
  readonly key: number;
  /** FTS5's BM25, sign turned: larger is better. */
  readonly bm25: number;
}

export interface Change {
  readonly sequence: number;
  readonly key: number;
  readonly kind: 'upsert' | 'delete';
}

/** Keys in (afterKey, throughKey], the first `limit` that are of interest. */
export interface KeyPage {
  readonly afterKey: number;
  /** No end where absent. */
  readonly throughKey?: number | undefined;
  readonly limit: number;
}

export interface VectorPage {
  readonly keys: readonly number[];
  /** Row-major [keys.length, D]. */
  readonly vectors: Float32Array;
}

/** Reads of entities. Unknown keys and ids are absent from the answer, not an error. */
export abstract class EntityTable {
  abstract byKeys(keys: readonly number[]): Promise<ReadonlyMap<number, StoredEntity>>;
  abstract byIds(ids: readonly string[]): Promise<ReadonlyMap<string, StoredEntity>>;
  /** Entities for a search box: exact name, then name prefix, then BM25; best first. */
  abstract search(text: string, limit: number): Promise<readonly StoredEntity[]>;
  /** All visible entities with keys above `afterKey`, in pages, in key order. */
  abstract scan(afterKey?: number): AsyncIterable<readonly StoredEntity[]>;
}

/** Lexical retrieval. */
export abstract class NameTable {
  /**
   * For each normalised name the entities that carry it and the 100 that labelled texts most often call so: by learned
   * count, then titles first, then in a fixed pseudo-random order of id.
   */
  abstract exact(names: readonly string[]): Promise<ReadonlyMap<string, readonly NameHit[]>>;
  abstract lexical(query: LexicalQuery, limit: number): Promise<readonly LexicalHit[]>;
  /** Every normalised name, listed or learned, at least once, for building the gazetteer; as it will be once the open import commits when asked. */
  abstract scan(options: { withStaged: boolean }): AsyncIterable<readonly string[]>;
  /** Normalised names of these entities, listed and learned, for bringing a gazetteer up to date. */
  abstract ofKeys(keys: readonly number[]): Promise<readonly string[]>;
  /** Which of these normalised names some entity has, listed or learned. */
  abstract present(names: readonly string[]): Promise<ReadonlySet<string>>;
}

/** Entity vectors by model version and content hash: the truth from which any index file is rebuilt. */
export abstract class VectorTable {
  /** Which of these hashes have no vector yet under the model. */
  abstract missing(modelVersion: string, hashes: readonly string[]): Promise<ReadonlySet<string>>;
  abstract put(
    modelVersion: string,
    rows: readonly { contentHash: string; vector: Float32Array }[],
  ): Promise<void>;
  /** Vectors of these entities, in key order; entities without a vector are absent. */
  abstract ofKeys(modelVersion: string, keys: readonly number[]): Promise<VectorPage>;
  /** All vectors of the visible entities (or of those visible once the open import commits), in key order. */
  abstract scan(
    modelVersion: string,
    options: { withStaged: boolean },
  ): AsyncIterable<VectorPage>;
  /** Keys in (afterKey, throughKey] of visible entities without a vector of the model, in key order. */
  abstract entitiesWithout(modelVersion: string, page: KeyPage): Promise<readonly number[]>;
  /** Versions of all models that have vectors here, with their counts (of contents, not of entities). */
  abstract models(): Promise<ReadonlyMap<string, number>>;
  /** Removes the vectors of all models but these. */
  abstract keepOnly(modelVersions: readonly string[]): Promise<void>;
  /**
   * Removes the vectors of contents that an entity had once and none has any more, and gives of how many contents;
   * none while an import runs.
   */
  abstract dropRetired(): Promise<number>;
}

/** What one labelled text teaches. Names are normalised. */
export interface LearnedDocument {
  /** Hex SHA-256 of what makes it this document: one that was learned before teaches nothing again. */
  readonly hash: string;
  /** Every mention: its name, and the entity's key, null for none of the KB's (NIL). */
  readonly mentions: readonly { readonly name: string; readonly key: number | null }[];
  /** How often names occur in the text, and how often as a mention. */
  readonly surfaces: readonly (SurfaceCount & { readonly name: string })[];
}

/** Keyphraseness (Mihalcea & Csomai 2007): `marked / seen` is P(mention | surface) in the texts learned. */
export interface SurfaceCount {
  readonly marked: number;
  readonly seen: number;
}

export interface LearnedSurface extends SurfaceCount {
  /** Mentions by this name, NIL ones included: the total of `LearnedCount`. */
  readonly mentions: number;
}

export interface LearnReport {
  /** Of each document of the page whether it was learned now; false where it had been before. */
  readonly learned: readonly boolean[];
  readonly sequence: number;
}

export interface LearnedTotals {
  readonly documents: number;
  readonly mentions: number;
  /** Distinct normalised names that occur. */
  readonly surfaces: number;
}

export interface ChangeOptions {
  /**
   * Runs before anything becomes visible, and while nothing else can, where an import has reserved sequences and died:
   * to drop what it left of an index, which would pass for one of the sequence that is reached now.
   */
  readonly beforeCommit?: () => Promise<void>;
}

/** Counts from labelled texts. They belong to an entity's key: they stay when it is changed, and go when it goes. */
export abstract class LearnedTable {
  /** Adds the counts of a page, all or nothing, durably, and tells the change feed; `busy` while an import becomes visible. */
  abstract learn(page: readonly LearnedDocument[], options?: ChangeOptions): Promise<LearnReport>;
  /** Removes all that was learned, and gives what it was; `busy` while an import becomes visible. */
  abstract forget(options?: ChangeOptions): Promise<LearnedTotals>;
  /** The sequence at which all was last forgotten, 0 for never: a set of names made before may have some that are none. */
  abstract forgottenAt(): Promise<number>;
  /** Which documents were learned. */
  abstract known(hashes: readonly string[]): Promise<ReadonlySet<string>>;
  /** What was learned of these normalised names; those never met are absent. */
  abstract surfaces(names: readonly string[]): Promise<ReadonlyMap<string, LearnedSurface>>;
  abstract totals(): Promise<LearnedTotals>;
}

/** In which state the entity has to be for a write to be made; a write for another state is `stale`. */
export type Expectation =
  | { readonly state: 'any' }
  | { readonly state: 'present' }
  | { readonly state: 'absent' }
  /** One of these tags (`recordTag`). */
  | { readonly state: 'tagged'; readonly tags: readonly string[] };

export interface EntityWrite {
  readonly id: string;
  /** What the entity is from now on; null deletes it. */
  readonly record: EntityRecord | null;
  readonly expected: Expectation;
}

export interface WriteOutcome {
  /** `absent`: there was nothing to delete. `stale`: nothing was done, the entity is in another state than expected. */
  readonly status: 'created' | 'changed' | 'unchanged' | 'deleted' | 'absent' | 'stale';
  /** Tag of the record that is there now; null where there is none. */
  readonly tag: string | null;
}

export interface WriteReport {
  /** One a write, in their order. */
  readonly outcomes: readonly WriteOutcome[];
  /** The KB's, with the writes in it. */
  readonly sequence: number;
}

export interface WriteOptions extends ChangeOptions {
  /** The model whose vectors the written contents have: they were put before. */
  readonly modelVersion: string;
}

/** Changes of single entities while the KB is in use. */
export abstract class EntityWriter {
  /**
   * Makes the writes in their order, in one durable transaction, and tells the change feed. `busy` while an import
   * makes its changes visible; `model-mismatch`, and nothing done, where a content has no vector of the model or the
   * KB has moved on to another model: encode again with the active one and repeat.
   */
  abstract write(writes: readonly EntityWrite[], options: WriteOptions): Promise<WriteReport>;
}

/** A KB that is being embedded under another model. */
export interface Reembedding {
  /** Vector version of the model that is to be active. */
  readonly target: string;
  /** Name of its folder among the models. */
  readonly model: string;
  /** Why it stopped; null while it runs. */
  readonly problem: string | null;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** What its leader last said; null where nothing yet. */
  readonly progress: ReembeddingProgress | null;
}

export interface ModelState {
  /** Vector version that the KB is searched with; null where it was never re-embedded: that of who opens it. */
  readonly active: string | null;
  /** The one before, for a rollback. */
  readonly previous: string | null;
  readonly reembedding: Reembedding | null;
}

/** Held by the one process that leads something; gone with the process, however it ends. */
export interface Leadership {
  release(): Promise<void>;
}

/** Under which model a KB is searched. */
export abstract class ModelTable {
  abstract state(): Promise<ModelState>;
  /**
   * Notes that the KB is being embedded under `target`, and pins `current` as the active one where none is yet. Goes
   * on where the same is under way or had stopped; `busy` where another target is.
   */
  abstract begin(target: Pick<Reembedding, 'target' | 'model'>, current: string): Promise<ModelState>;
  /** Makes this process the only one of all that leads the KB's re-embedding; null where another one does. */
  abstract lead(): Promise<Leadership | null>;
  /** Notes how far the one under way to `target` is; nothing where there is none. Need not survive a power cut. */
  abstract report(target: string, progress: ReembeddingProgress): Promise<void>;
  /** Notes why it stopped; nothing where none is under way. */
  abstract stop(problem: string): Promise<void>;
  /** Forgets it; vectors stay. */
  abstract cancel(): Promise<void>;
  /**
   * Ends the re-embedding under way to `target`: makes it the active model and the active one the previous, in one
   * durable transaction, if every visible entity has a vector of it; else, or where that is not under way, does
   * nothing. Gives how many have none. `busy` while an import runs, whose entities have vectors of the model that was
   * active when it began.
   */
  abstract activate(target: string): Promise<{ readonly missing: number }>;
}

/** Two records of one import with the same id, by the positions they were staged with; the later one counts. */
export interface DuplicateId {
  readonly id: string;
  readonly earlier: number;
  readonly later: number;
}

export interface StageReport {
  /** Content hashes of the page, in the order of its records. */
  readonly contentHashes: readonly string[];
  readonly duplicates: readonly DuplicateId[];
}

export interface CommitReport {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly sequence: number;
}

export interface ImportCommitOptions {
  readonly onProgress?: (done: number, total: number) => void;
  /** Runs at once when the records are visible, before anything is tidied up. */
  readonly onVisible?: () => Promise<void>;
}

/** A bulk import: records are staged page by page, invisible, and become visible in one transaction. */
export abstract class ImportStage {
  /** Takes the KB's import lock (refused as `busy` while a live process holds it) and clears what a dead import left. */
  abstract begin(): Promise<void>;
  /**
   * Stages records; a later record with the same id replaces an earlier one. `positions` (line numbers, say) come
   * back in the report of duplicates; a running count where absent.
   */
  abstract add(
    records: readonly EntityRecord[],
    positions?: readonly number[],
  ): Promise<StageReport>;
  /**
   * How many entities a commit would add or change, and the sequence it would reach. From here until the commit or
   * the discard nobody else can change the KB (`busy`); what others changed since `begin` is accounted for.
   */
  abstract preview(): Promise<CommitReport>;
  /** Makes the staged records visible, all at once and durably, and ends the import. */
  abstract commit(options?: ImportCommitOptions): Promise<CommitReport>;
  /** Ends the import without a trace; vectors that were put stay. Nothing to do where none is open. */
  abstract discard(): Promise<void>;
}

/** What one check of a store found. */
export interface StoreFinding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  /** How many of them there are. */
  readonly checked: number;
  /** What is wrong, the first of it; none where all is well. */
  readonly problems: readonly string[];
  /** How many problems there are in all. */
  readonly count: number;
  readonly remedy: string;
  /** What is worth a word and no problem. */
  readonly notes?: readonly string[];
}

/** Checks of what only the adapter knows of itself. */
export abstract class StoreCheck {
  /** One finding a check, all of the same state of the store; reads only, while others write. */
  abstract run(): AsyncIterable<StoreFinding>;
}

/** One knowledge base. */
export abstract class KbStore {
  abstract readonly name: string;
  abstract readonly entities: EntityTable;
  abstract readonly names: NameTable;
  abstract readonly vectors: VectorTable;
  abstract readonly learned: LearnedTable;
  abstract readonly imports: ImportStage;
  abstract readonly writes: EntityWriter;
  abstract readonly models: ModelTable;
  abstract readonly check: StoreCheck;
  abstract info(): Promise<KbInfo>;
  /** Changes after `sequence`, oldest first, at most one per entity (its latest). */
  abstract changesSince(sequence: number, limit: number): Promise<readonly Change[]>;
  abstract close(): Promise<void>;
}

/** All knowledge bases of one installation. */
export abstract class KbCatalog {
  /** By name. A KB in which nothing was ever committed is none yet. */
  abstract list(): Promise<readonly KbInfo[]>;
  /** The KB of that name, the same object while it is the same KB; `kb-not-found` where there is none. */
  abstract open(name: string): Promise<KbStore>;
  /** The KB of that name, made if it does not exist. */
  abstract openOrCreate(name: string): Promise<KbStore>;
  abstract drop(name: string): Promise<void>;
  /** Removes what a first import leaves that brought nothing in; a KB that has anything, or is in use, stays. */
  abstract dropIfUnused(name: string): Promise<void>;
  /** A folder for derived files (indexes) of the KB; may be deleted at any time while no process uses it. */
  abstract derivedFolder(name: string): string;
  abstract close(): Promise<void>;
}
