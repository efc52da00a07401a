import type { EntityRecord } from '../contract/entity.js';
import { isAscii, normaliseName } from '../text/normalise.js';
import type { EntityName } from './entity-names.js';

/** What BM25 reads of an entity (as in the model card's measurements): more aliases would drown the title. */
const INDEXED_ALIASES = 20;
const INDEXED_DESCRIPTION_CHARS = 1_000;

export interface SearchText {
  readonly title: string;
  readonly aliases: string;
  readonly description: string;
}

export function searchTextOf(record: EntityRecord, names: readonly EntityName[]): SearchText {
  const aliases = names.filter((name) => !name.isTitle).slice(0, INDEXED_ALIASES);
  return {
    title: names.find((name) => name.isTitle)?.normalised ?? '',
    aliases: aliases.map((name) => name.normalised).join(' '),
    description: decomposed(record.description.slice(0, INDEXED_DESCRIPTION_CHARS)),
  };
}

/** FTS5 folds case and drops the marks; compatibility characters and ß are folded here, as in the names. */
function decomposed(text: string): string {
  if (isAscii(text)) return text;
  return text.normalize('NFKD').replace(/ß/g, 'ss');
}

const HAS_WORD = /[\p{L}\p{N}]/u;

/** The tokens under which FTS5 holds these words, each once. */
export function searchTokens(words: readonly string[]): string[] {
  const tokens = words.flatMap((word) => normaliseName(word).split(' '));
  return [...new Set(tokens)].filter((token) => HAS_WORD.test(token));
}
