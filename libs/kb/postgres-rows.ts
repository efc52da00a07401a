import type { EntityRecord } from '../contract/entity.js';
import { nameRank, namesOf } from './entity-names.js';
import type { PgSession } from './postgres-driver.js';
import { documentOf, toColumn } from './postgres-text.js';
import { searchTextOf } from './search-text.js';

export interface NameRow {
  readonly key: number;
  readonly rank: number;
  readonly prior: number | null;
  readonly normalised: string;
}

/** What the store keeps of an entity beside its record, derived from it. */
export interface DerivedRows {
  readonly names: readonly NameRow[];
  /** As a tsvector. */
  readonly document: string;
}

export function derivedRows(key: number, record: EntityRecord): DerivedRows {
  const names = namesOf(record);
  return {
    names: names.map(({ normalised, isTitle, weight }) => ({
      key,
      rank: nameRank(record.id, isTitle),
      prior: weight,
      normalised: toColumn(normalised),
    })),
    document: documentOf(searchTextOf(record, names)),
  };
}

/** Gives how many. */
export function insertNames(session: PgSession, rows: readonly NameRow[]): Promise<number> {
  return session.run(
    `INSERT INTO kb_schema.name (key, rank, prior, normalised)
       SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::float8[], $4::text[])`,
    rows.map(({ key }) => key),
    rows.map(({ rank }) => rank),
    rows.map(({ prior }) => prior),
    rows.map(({ normalised }) => normalised),
  );
}
