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

/** Words whose counts are kept, at most: of the texts of some minutes. */
const MAX_COUNTED = 20_000;

interface Match {
  readonly expression: string;
  readonly weight: number;
}

/** BM25 with weights by word, which FTS5 itself does not have: two queries over the same rows, added up. */
export class SqliteLexical {
  /** Documents by word, of the state of the store that `dataVersion` names. */
  private readonly counts = new Map<string, number>();
  private entities = 0;
  private dataVersion = -1;
  private frequent: ReadonlyMap<string, number> = new Map();
  private frequentAt = -1;

  constructor(private readonly connection: SqliteConnection) {}

  search(query: LexicalQuery, limit: number): LexicalHit[] {
    this.follow();
    const mention = this.known(searchTokens(query.mention).slice(0, MAX_MENTION_TOKENS));
    const context = this.contextTokens(query.context, mention);
    const drivers = driversOf(mention.length > 0 ? mention : context);
    if (drivers.length === 0) return [];
    const found = anyOf(drivers);
    const ofContext = (rows: string) => matches(rows, context, CONTEXT_WEIGHT);
    if (isWide(drivers)) {
      const rows = `{title aliases} : (${found})`;
      const named = [...matches(rows, mention, MENTION_WEIGHT), ...ofContext(rows)];
      const hits = this.scored(named, limit);
      if (hits.length >= limit) return hits;
    }
    // A word that finds rows and scores them counts twice; where all do, one list of words is enough.
    const ofMention =
      drivers.length === mention.length
        ? [{ expression: found, weight: 2 * MENTION_WEIGHT }]
        : matches(found, mention, MENTION_WEIGHT);
    return this.scored([...ofMention, ...ofContext(found)], limit);
  }

  /** Entities by BM25 over title, aliases and description with the title heaviest, for a search box. */
  byText(words: readonly string[], limit: number): number[] {
    this.follow();
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
    const limit = mostContextDocuments(this.entities);
    return this.known(tokens.slice(0, MAX_CONTEXT_TOKENS)).filter(
      (token) => token.documents <= limit,
    );
  }

  private scored(parts: readonly Match[], limit: number): LexicalHit[] {
    const rows = this.connection.rows(
      parts.length === 2 ? BOTH : ONE,
      ...parts.flatMap(({ expression, weight }) => [expression, weight]),
      limit,
    );
    return rows.map(([key, score]) => ({ key: Number(key), bm25: -Number(score) }));
  }

  /** The tokens that stand in some entity, with their document counts. */
  private known(tokens: readonly string[]): Token[] {
    if (this.counts.size > MAX_COUNTED) this.counts.clear();
    this.count(tokens.filter((text) => !this.counts.has(text) && !this.frequent.has(text)));
    return tokens
      .map((text) => ({ text, documents: this.frequent.get(text) ?? this.counts.get(text) ?? 0 }))
      .filter((token) => token.documents > 0);
  }

  /** Walks each word's whole list, so it is asked only of words that are not frequent, and once. */
  private count(tokens: readonly string[]): void {
    if (tokens.length === 0) return;
    for (const text of tokens) this.counts.set(text, 0);
    for (const [term, documents] of this.connection.rows(COUNTS, JSON.stringify(tokens)))
      this.counts.set(String(term), Number(documents));
  }

  /** Forgets what was counted when something was committed since; the connection itself does not write. */
  private follow(): void {
    const version = Number(this.connection.value('PRAGMA data_version'));
    if (version === this.dataVersion) return;
    const [row = []] = this.connection.rows('SELECT entities, terms_counted_at FROM kb');
    this.counts.clear();
    this.entities = Number(row[0]);
    this.readFrequent(Number(row[1]));
    this.dataVersion = version;
  }

  private readFrequent(countedAt: number): void {
    if (countedAt === this.frequentAt) return;
    const rows = this.connection.rows('SELECT term, documents FROM frequent_term');
    this.frequent = new Map(rows.map(([term, documents]) => [String(term), Number(documents)]));
    this.frequentAt = countedAt;
  }
}

const COUNTS = `
  SELECT word.term, word.doc FROM json_each(?) AS asked
  CROSS JOIN entity_term AS word ON word.term = asked.value`;

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

/** Of the rows found those with one of the tokens. BM25 counts a word once for each place where it stands in the query. */
function matches(found: string, tokens: readonly Token[], weight: number): Match[] {
  return tokens.length === 0 ? [] : [{ expression: `(${found}) AND (${anyOf(tokens)})`, weight }];
}

/** Tokens are letters and numbers only, so the quotes need no escape. */
function anyOf(tokens: readonly Token[]): string {
  return tokens.map((token) => `"${token.text}"`).join(' OR ');
}
