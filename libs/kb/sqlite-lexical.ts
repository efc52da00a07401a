import type { LexicalHit, LexicalQuery } from './kb-store.js';
import {
  CONTEXT_WEIGHT,
  driversOf,
  MAX_CONTEXT_TOKENS,
  MAX_MENTION_TOKENS,
  MENTION_WEIGHT,
  mostContextDocuments,
  type Token,
} from './lexical-words.js';
import { searchTokens } from './search-text.js';
import type { SqliteConnection } from './sqlite-driver.js';

/** Where even the rarest word finds more rows than this, those that it names come first, the others only if room is left. */
const WIDE_ROWS = 5_000;

/** BM25 with weights by word, which FTS5 itself does not have: two queries over the same rows, added up. */
export class SqliteLexical {
  private frequent: ReadonlyMap<string, number> = new Map();
  private frequentAt = -1;

  constructor(private readonly connection: SqliteConnection) {}

  search(query: LexicalQuery, limit: number): LexicalHit[] {
    const mention = this.known(searchTokens(query.mention).slice(0, MAX_MENTION_TOKENS));
    const context = this.contextTokens(query.context, mention);
    const drivers = driversOf(mention.length > 0 ? mention : context);
    if (drivers.length === 0) return [];
    const hitsAmong = (found: string) =>
      this.scored(
        {
          mention: mention.length > 0 ? `(${found}) AND (${anyOf(mention)})` : undefined,
          context: context.length > 0 ? `(${found}) AND (${anyOf(context)})` : undefined,
        },
        limit,
      );
    const named = isWide(drivers) ? hitsAmong(`{title aliases} : (${anyOf(drivers)})`) : [];
    return named.length >= limit ? named : hitsAmong(anyOf(drivers));
  }

  /** Entities by BM25 over title, aliases and description with the title heaviest, for a search box. */
  byText(words: readonly string[], limit: number): number[] {
    const tokens = this.known(searchTokens(words).slice(0, MAX_MENTION_TOKENS));
    const drivers = driversOf(tokens);
    if (drivers.length === 0) return [];
    const rows = this.connection.rows(
      `SELECT rowid FROM entity_text WHERE entity_text MATCH ?
       ORDER BY bm25(entity_text, 5.0, 3.0, 1.0) LIMIT ?`,
      `(${anyOf(drivers)}) AND (${anyOf(tokens)})`,
      limit,
    );
    return rows.map(([key]) => Number(key));
  }

  private contextTokens(words: readonly string[], mention: readonly Token[]): Token[] {
    const taken = new Set(mention.map((token) => token.text));
    const tokens = searchTokens(words).filter((token) => !taken.has(token));
    const limit = mostContextDocuments(Number(this.connection.value('SELECT entities FROM kb')));
    return this.known(tokens.slice(0, MAX_CONTEXT_TOKENS)).filter(
      (token) => token.documents <= limit,
    );
  }

  private scored(match: { mention?: string | undefined; context?: string | undefined }, limit: number) {
    const parts = [
      { expression: match.mention, weight: MENTION_WEIGHT },
      { expression: match.context, weight: CONTEXT_WEIGHT },
    ].flatMap(({ expression, weight }) => (expression === undefined ? [] : [{ expression, weight }]));
    const rows = this.connection.rows(
      parts.length === 2 ? BOTH : ONE,
      ...parts.flatMap(({ expression, weight }) => [expression, weight]),
      limit,
    );
    return rows.map(([key, score]) => ({ key: Number(key), bm25: -Number(score) }));
  }

  /** The tokens that stand in some entity, with their document counts. */
  private known(tokens: readonly string[]): Token[] {
    const frequent = this.frequentTerms();
    return tokens
      .map((text) => ({ text, documents: frequent.get(text) ?? this.countDocuments(text) }))
      .filter((token) => token.documents > 0);
  }

  /** Walks the word's whole list, so it is asked only of words that are not frequent. */
  private countDocuments(term: string): number {
    return Number(this.connection.value('SELECT doc FROM entity_term WHERE term = ?', term) ?? 0);
  }

  private frequentTerms(): ReadonlyMap<string, number> {
    const countedAt = Number(this.connection.value('SELECT terms_counted_at FROM kb'));
    if (countedAt !== this.frequentAt) {
      const rows = this.connection.rows('SELECT term, documents FROM frequent_term');
      this.frequent = new Map(rows.map(([term, documents]) => [String(term), Number(documents)]));
      this.frequentAt = countedAt;
    }
    return this.frequent;
  }
}

const ONE = `
  SELECT rowid, bm25(entity_text) * ?2 AS score FROM entity_text WHERE entity_text MATCH ?1
  ORDER BY score, rowid LIMIT ?3`;

const BOTH = `
  WITH
    mention AS MATERIALIZED (
      SELECT rowid AS key, bm25(entity_text) * ?2 AS score FROM entity_text WHERE entity_text MATCH ?1),
    context AS MATERIALIZED (
      SELECT rowid AS key, bm25(entity_text) * ?4 AS score FROM entity_text WHERE entity_text MATCH ?3)
  SELECT mention.key, mention.score + ifnull(context.score, 0) AS total
  FROM mention LEFT JOIN context ON context.key = mention.key
  ORDER BY total, mention.key LIMIT ?5`;

function isWide(drivers: readonly Token[]): boolean {
  return drivers.some((token) => token.documents > WIDE_ROWS);
}

/** Tokens are letters and numbers only, so the quotes need no escape. */
function anyOf(tokens: readonly Token[]): string {
  return tokens.map((token) => `"${token.text}"`).join(' OR ');
}
