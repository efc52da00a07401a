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
import type { PostgresKb } from './postgres-kb.js';
import { anyOf, inName, searchLexemes } from './postgres-text.js';

/** Where even the rarest word finds more rows than this, those that are likely to be best are found first. */
const WIDE_ROWS = 3_000;
/** And of rows that have no more than one such word, the first of this many are as good as any. */
const MAX_FOUND = 3_000;

/** For ts_rank: description, -, aliases, title. BM25 of the other store weighs them alike, a search box does not. */
const EVEN = '{0, 0.7, 0.9, 1}';
const TITLE_FIRST = '{0, 0.2, 0.6, 1}';

/**
 * A word in a long text tells less. Of BM25 with k1 = 1.2 and b = 0.75: 1 + k1 (1 - b) and k1 b, for a word that
 * occurs once in a text of average length.
 */
const K1_SHORT = 1.3;
const K1_LONG = 0.9;

interface RankedToken extends Token {
  /** How much the word tells: BM25's inverse document frequency. */
  readonly idf: number;
}

interface Part {
  readonly lexemes: readonly string[];
  readonly weight: number;
}

/**
 * Full-text ranking with weights by word, which PostgreSQL itself does not have: `ts_rank` of words that are about
 * equally rare, times their inverse document frequency, added up.
 */
export class PostgresLexical {
  private frequent: ReadonlyMap<string, number> = new Map();
  private frequentAt = -1;
  private averageWords = 1;

  constructor(private readonly kb: PostgresKb) {}

  async search(query: LexicalQuery, limit: number): Promise<LexicalHit[]> {
    const mention = searchLexemes(query.mention).slice(0, MAX_MENTION_TOKENS);
    const taken = new Set(mention);
    const around = searchLexemes(query.context).filter((lexeme) => !taken.has(lexeme));
    const { tokens, entities } = await this.known([...mention, ...around.slice(0, MAX_CONTEXT_TOKENS)]);
    const ofMention = tokens.filter(({ text }) => taken.has(text));
    const most = mostContextDocuments(entities);
    const ofContext = tokens.filter(({ text, documents }) => !taken.has(text) && documents <= most);
    const parts = [
      ...partsOf(ofMention, MENTION_WEIGHT),
      ...partsOf(ofContext, CONTEXT_WEIGHT),
    ];
    return this.ranked(ofMention.length > 0 ? ofMention : ofContext, ofContext, {
      ...{ parts, limit, weights: EVEN },
    });
  }

  /** Entities by their title, aliases and description, the title heaviest, for a search box. */
  async byText(words: readonly string[], limit: number): Promise<number[]> {
    const { tokens } = await this.known(searchLexemes(words).slice(0, MAX_MENTION_TOKENS));
    const hits = await this.ranked(tokens, [], {
      ...{ parts: partsOf(tokens, 1), limit, weights: TITLE_FIRST },
    });
    return hits.map(({ key }) => key);
  }

  private async ranked(
    tokens: readonly RankedToken[],
    context: readonly RankedToken[],
    options: RankOptions,
  ): Promise<LexicalHit[]> {
    const drivers = driversOf(tokens);
    const [widest] = drivers;
    if (widest === undefined) return [];
    if (widest.documents <= WIDE_ROWS) return this.score(anyOf(textsOf(drivers)), options);
    return this.rankedInSteps(stepsOf(widest, tokens, context), options);
  }

  private async rankedInSteps(
    steps: readonly string[],
    options: RankOptions,
  ): Promise<LexicalHit[]> {
    const hits = new Map<number, LexicalHit>();
    for (const found of steps) {
      for (const hit of await this.score(found, options)) hits.set(hit.key, hit);
      if (hits.size >= options.limit) break;
    }
    const best = [...hits.values()].sort((a, b) => b.bm25 - a.bm25 || a.key - b.key);
    return best.slice(0, options.limit);
  }

  /** The best of the rows that `found`, a tsquery, finds. */
  private async score(found: string, { parts, limit, weights }: RankOptions): Promise<LexicalHit[]> {
    const terms = parts.map(
      (_, at) => `$${2 * at + 6}::float8 * ts_rank($3::float4[], document, $${2 * at + 5}::tsquery, 0)`,
    );
    const rows = await this.kb.rows(
      `SELECT key, (${terms.join(' + ')}) / (${K1_SHORT} + ${K1_LONG} * length(document) / $4::float8) AS score FROM (
         SELECT key, document FROM kb_schema.entity_text WHERE document @@ $1::tsquery
         LIMIT ${MAX_FOUND}) AS found
       ORDER BY score DESC, key LIMIT $2`,
      found,
      limit,
      weights,
      this.averageWords,
      ...parts.flatMap(({ lexemes, weight }) => [anyOf(lexemes), weight]),
    );
    return rows.map(([key, score]) => ({ key: Number(key), bm25: Number(score) }));
  }

  /** The lexemes that stand in some entity, with their document counts. */
  private async known(
    lexemes: readonly string[],
  ): Promise<{ readonly tokens: RankedToken[]; readonly entities: number }> {
    const unsure = lexemes.filter((lexeme) => !this.frequent.has(lexeme));
    const rows = await this.kb.rows(COUNTS, this.kb.identity.id, unsure);
    const [, , entities, countedAt, averageWords] = rows[0] ?? [];
    this.averageWords = Number(averageWords ?? 1);
    if (countedAt !== undefined && countedAt !== this.frequentAt) {
      await this.readFrequentTerms(Number(countedAt));
    }
    const counted = new Map(rows.map(([term, documents]) => [String(term), Number(documents)]));
    const total = Number(entities ?? 0);
    const tokens = lexemes.map((text) => {
      const documents = this.frequent.get(text) ?? counted.get(text) ?? 0;
      return { text, documents, idf: idfOf(documents, total) };
    });
    return { tokens: tokens.filter(({ documents }) => documents > 0), entities: total };
  }

  private async readFrequentTerms(countedAt: number): Promise<void> {
    const rows = await this.kb.rows('SELECT term, documents FROM kb_schema.frequent_term');
    this.frequent = new Map(rows.map(([term, documents]) => [String(term), Number(documents)]));
    this.frequentAt = countedAt;
  }
}

interface RankOptions {
  readonly parts: readonly Part[];
  readonly limit: number;
  readonly weights: string;
}

/** A row even where nothing is asked, for the KB's own figures. */
const COUNTS = `
  SELECT asked.term,
    (SELECT count(*) FROM kb_schema.entity_text WHERE document @@ quote_literal(asked.term)::tsquery),
    kb.entities, kb.terms_counted_at, kb.average_words
  FROM referent.kb AS kb LEFT JOIN unnest($2::text[]) AS asked(term) ON true
  WHERE kb.id = $1`;

/** One part a word of the mention; words of about the same rarity share one where they are many. */
function partsOf(tokens: readonly RankedToken[], weight: number): Part[] {
  const byRarity = new Map<number, RankedToken[]>();
  for (const token of tokens) {
    const rarity = Math.round(token.idf);
    byRarity.set(rarity, [...(byRarity.get(rarity) ?? []), token]);
  }
  return [...byRarity.values()].map((alike) => ({
    lexemes: textsOf(alike),
    // ts_rank divides by the number of words asked for: the mean of their weights times their number.
    weight: weight * alike.reduce((sum, { idf }) => sum + idf, 0),
  }));
}

function idfOf(documents: number, entities: number): number {
  return Math.log(1 + (Math.max(entities, documents) - documents + 0.5) / (documents + 0.5));
}

const textsOf = (tokens: readonly RankedToken[]): string[] => tokens.map(({ text }) => text);

/** What finds rows with a frequent word, and fewer with every step: all words, in names, beside another word, any. */
function stepsOf(
  widest: RankedToken,
  tokens: readonly RankedToken[],
  context: readonly RankedToken[],
): readonly string[] {
  const all = textsOf(tokens).map((text) => anyOf([text]));
  const others = textsOf([...tokens.filter((token) => token !== widest), ...context]);
  const beside = others.length === 0 ? [] : [`'${widest.text}' & (${anyOf(others)})`];
  const named = textsOf(tokens).map((text) => anyOf([inName(text)]));
  return [
    ...(tokens.length > 1 ? [named.join(' & '), all.join(' & ')] : []),
    anyOf([inName(widest.text)]),
    ...beside,
    anyOf([widest.text]),
  ];
}
