import { hash } from 'node:crypto';
import { normaliseName } from '../text/normalise.js';
import { searchTokens, type SearchText } from './search-text.js';

const ESCAPE = '\u0001';
/** PostgreSQL's text holds neither NUL nor lone surrogates: they are written as ESCAPE and four hex digits. */
const UNFIT = /[\0\u0001\p{Cs}]/gu;
const ESCAPED = /\u0001([0-9a-f]{4})/g;

/** A text as a column holds it: every text has one form, and no two the same. */
export function toColumn(text: string): string {
  return text.replace(
    UNFIT,
    (character) => ESCAPE + character.charCodeAt(0).toString(16).padStart(4, '0'),
  );
}

export function fromColumn(column: string): string {
  if (!column.includes(ESCAPE)) return column;
  return column.replace(ESCAPED, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
}

/** Names may be longer than an index entry: 128 bits of SHA-256 stand for them where they have to be unique. */
export function nameHash(normalised: string): Buffer {
  return hash('sha256', normalised, 'buffer').subarray(0, 16);
}

/** A word as a tsvector holds it; it may not be longer than 2 KB. */
const LEXEME_CHARS = 200;
/** Positions above are all the same to PostgreSQL. */
const LAST_POSITION = 16_383;

export function lexemeOf(token: string): string {
  return token.length <= LEXEME_CHARS ? token : Array.from(token).slice(0, LEXEME_CHARS).join('');
}

/**
 * The text of an entity as a tsvector, its title weighted A, its aliases B, its description C. Written out here
 * rather than by `to_tsvector`, so that words are those of the queries whatever the server's locale makes of letters.
 */
export function documentOf({ title, aliases, description }: SearchText): string {
  const places = new Map<string, string>();
  const inNames = new Set<string>();
  let position = 0;
  for (const [text, weight] of [[title, 'A'], [aliases, 'B'], [description, 'C']] as const) {
    for (const word of normaliseName(text).split(' ')) {
      position = Math.min(position + 1, LAST_POSITION);
      const lexeme = lexemeOf(word);
      if (weight !== 'C') inNames.add(lexeme);
      const before = places.get(lexeme);
      places.set(lexeme, `${before === undefined ? '' : `${before},`}${position}${weight}`);
    }
  }
  return Array.from(places)
    .filter(([lexeme]) => isWord(lexeme))
    .map(([lexeme, at]) => `'${lexeme}':${at}${inNames.has(lexeme) ? ` '${inName(lexeme)}'` : ''}`)
    .join(' ');
}

/** The lexeme of a word where it stands in the title or an alias: the index finds no others by it. */
export function inName(lexeme: string): string {
  return `=${lexeme}`;
}

/** The lexemes under which words are found, each once. */
export function searchLexemes(words: readonly string[]): string[] {
  return [...new Set(searchTokens(words).map(lexemeOf))];
}

/** Letters and numbers only, so that the quotes need no escape. */
export function anyOf(lexemes: readonly string[]): string {
  return lexemes.map((lexeme) => `'${lexeme}'`).join(' | ');
}

const NOT_A_WORD = /[^\p{L}\p{N}]/u;
const isWord = (lexeme: string): boolean => lexeme !== '' && !NOT_A_WORD.test(lexeme);
