import type { KbInfo, ModelState, Reembedding } from './kb-store.js';

/** A name of an entity, its place among those of that name (entity-names.ts), and its given weight. */
export type DumpedName = readonly [normalised: string, rank: number, prior: number | null];

/** All that a store keeps of a KB and cannot make anew of the rest, as rows that are the same in every store. */
export interface DumpedRows {
  /** `record` as it was serialised, the content hash in hex; the names by rank. */
  readonly entity: readonly [key: number, record: string, contentHash: string, names: readonly DumpedName[]];
  readonly change: readonly [sequence: number, key: number, kind: string];
  /** The vector's float32, little-endian. */
  readonly vector: readonly [modelVersion: string, contentHash: string, bytes: Uint8Array];
  readonly learnedDocument: readonly [hash: string];
  readonly learnedName: readonly [normalised: string, key: number, count: number];
  readonly learnedSurface: readonly [normalised: string, seen: number, marked: number];
  readonly retiredContent: readonly [contentHash: string];
}

export type DumpTable = keyof DumpedRows;

/** In the order in which they are copied. */
export const DUMP_TABLES: readonly DumpTable[] = [
  'entity',
  'change',
  'vector',
  'learnedDocument',
  'learnedName',
  'learnedSurface',
  'retiredContent',
];

/** What there is once a KB. */
export interface DumpedState extends Omit<KbInfo, 'name' | 'problem'> {
  readonly nextKey: number;
  readonly reservedSequence: number;
  readonly forgottenAt: number;
  readonly previousModel: string | null;
  readonly reembedding: Reembedding | null;
}

/** Of a row (sequence, entities, names, updated_at, next_key, reserved_sequence, forgotten_at). */
export function dumpedState(row: readonly unknown[], models: ModelState): DumpedState {
  const [sequence, entities, names, updatedAt, nextKey, reserved, forgottenAt] = row;
  return {
    sequence: Number(sequence),
    entities: Number(entities),
    names: Number(names),
    updatedAt: String(updatedAt),
    activeModel: models.active,
    nextKey: Number(nextKey),
    reservedSequence: Number(reserved),
    forgottenAt: Number(forgottenAt),
    previousModel: models.previous,
    reembedding: models.reembedding,
  };
}

/** Reads of all tables in one state of the KB. */
export abstract class KbReader {
  abstract state(): Promise<DumpedState>;
  /** Every row once, in any order. */
  abstract pages<T extends DumpTable>(table: T): AsyncIterable<readonly DumpedRows[T][]>;
}

/** A KB that is copied from: while it is open nobody else can write to it. */
export abstract class KbDump extends KbReader {
  abstract close(): Promise<void>;
}

/** A KB that is copied to, and nobody sees. */
export abstract class KbLoad {
  abstract write<T extends DumpTable>(table: T, rows: readonly DumpedRows[T][]): Promise<void>;
  /** Notes what there is once, and makes what is made of the rest. */
  abstract complete(state: DumpedState): Promise<void>;
  /** What was written, as it is stored. */
  abstract readBack(): KbReader;
  /** Makes the KB visible, all of it at once, durably; `kb-exists` where there is one of its name by now. */
  abstract publish(): Promise<void>;
  /** Removes what was written, unless it was published. */
  abstract close(): Promise<void>;
}
