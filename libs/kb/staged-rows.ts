import type { EntityRecord } from '../contract/entity.js';
import { ReferentError } from '../contract/errors.js';
import { contentHash } from './content-hash.js';
import type { DuplicateId } from './kb-store.js';

/** What an import stages, as every store works it out. */

export type StagedState = 'added' | 'changed' | 'unchanged';

/** A record that is to be staged. */
export interface StagedRow {
  readonly record: EntityRecord;
  /** Hex. */
  readonly hash: string;
  readonly position: number;
}

/** What the store and the stage hold under an id. */
export interface Known {
  readonly visible: { readonly key: number; readonly record: string } | undefined;
  readonly staged:
    | { readonly key: number; readonly state: StagedState; readonly position: number }
    | undefined;
}

/** How far an import is that is open. */
export interface StageTally {
  readonly counts: Record<StagedState, number>;
  staged: number;
  /** Keys handed out by the store and not used yet: [next, end). */
  nextKey: number;
  endKey: number;
  /** The sequence that the commit will reach; undefined until reserved, and again after more was staged. */
  reserved: number | undefined;
  /** What was changed by others up to this sequence is accounted for in what is staged. */
  since: number;
}

export function emptyTally(): StageTally {
  return {
    counts: { added: 0, changed: 0, unchanged: 0 },
    staged: 0,
    nextKey: 0,
    endKey: 0,
    reserved: undefined,
    since: 0,
  };
}

/** `from`: the position of the first where none are given. */
export function stagedRows(
  records: readonly EntityRecord[],
  positions: readonly number[] | undefined,
  from: number,
): StagedRow[] {
  return records.map((record, index) => ({
    record,
    hash: contentHash(record),
    position: positions?.[index] ?? from + index,
  }));
}

export function lastOfEachId(page: readonly StagedRow[]) {
  const byId = new Map<string, StagedRow>();
  const duplicates: DuplicateId[] = [];
  for (const row of page) {
    const { id } = row.record;
    const earlier = byId.get(id);
    if (earlier) duplicates.push({ id, earlier: earlier.position, later: row.position });
    byId.set(id, row);
  }
  return { last: [...byId.values()], duplicates };
}

/** Of a row (key, record) of what is visible and (key, state, position) of what is staged; null where it is not. */
export function knownOf([key, record, stagedKey, state, position]: readonly unknown[]): Known {
  return {
    visible: key === null ? undefined : { key: Number(key), record: String(record) },
    staged:
      stagedKey === null
        ? undefined
        : { key: Number(stagedKey), state: state as StagedState, position: Number(position) },
  };
}

export function stateOf(visible: Known['visible'], json: string): StagedState {
  if (visible === undefined) return 'added';
  return visible.record === json ? 'unchanged' : 'changed';
}

export interface RestagedRow extends StagedRow {
  readonly key: number;
  readonly state: StagedState;
}

/** A staged row (key, state, position, record) as it came, to be staged again. */
export function restagedRow([key, state, position, json]: readonly unknown[]): RestagedRow {
  const record = JSON.parse(String(json)) as EntityRecord;
  const hash = contentHash(record);
  return { key: Number(key), state: state as StagedState, record, hash, position: Number(position) };
}

/**
 * Followers of the change feed would miss a change with a lower number than one they have seen.
 * @throws ReferentError `busy` where the KB is past `first`, from where on the import has reserved.
 */
export function assertUnchangedSince(sequence: number, first: number): void {
  if (sequence <= first) return;
  throw new ReferentError(
    'busy',
    'the knowledge base was changed while the import ran; run the import again (finished vectors are kept)',
  );
}
