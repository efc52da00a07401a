import type { EntityRecord } from '../contract/entity.js';
import { nameRank, namesOf } from './entity-names.js';
import { searchTextOf, type SearchText } from './search-text.js';

/** What the store keeps beside a record, derived from it. */
export interface EntityRows {
  /** Normalised names; the first is the title's, even where it has no normal form (''). */
  readonly names: readonly string[];
  /** Given weights of those names, in the same places. */
  readonly weights: readonly (number | null)[];
  /** Where the entity stands among those whose title is a name; ALIAS_OFFSET more where it is an alias. */
  readonly rank: number;
  readonly text: SearchText;
}

export function entityRows(record: EntityRecord): EntityRows {
  const found = namesOf(record);
  const text = searchTextOf(record, found);
  const title = found.find((name) => name.isTitle);
  const aliases = found.filter((name) => !name.isTitle);
  return {
    names: [text.title, ...aliases.map((name) => name.normalised)],
    weights: [title?.weight ?? null, ...aliases.map((name) => name.weight)],
    rank: nameRank(record.id, true),
    text,
  };
}
