import type { Neighbours } from '../index/vector-index.js';
import type { LexicalHit } from '../kb/kb-store.js';
import type { Calibration } from '../model/manifest.js';
import type { AliasHit } from './priors.js';
import { scoresOf, type Evidence } from './ranking.js';
import type { Candidate, CandidateSource } from './stages.js';

/** What the three ways of retrieval found for one mention, each best first. */
export interface Found {
  readonly dense: Neighbours;
  readonly aliases: readonly AliasHit[];
  readonly lexical: readonly LexicalHit[];
  /** Labelled mentions of the surface; where there are some, an entity outside `aliases` was none of them. */
  readonly priorMentions: number;
}

/** Candidates that go on to rerank, at most. */
export const MAX_CANDIDATES = 100;

/**
 * One list out of three: ordered by the model's weighing of cosine, exact names, BM25 and the surface's
 * prior (`ranking.ts`); at most 100, best first, ties by cosine, then by key. What only words found gets its
 * true cosine from `cosinesOf`, but is ranked as if it stood at the end of the dense list, since words
 * found it for a reason: recall at 100 of the disease dev set .961 against .954 by its true cosine. Keys
 * that the index does not have (NaN) are left out, so that every candidate is of the index's view of the KB.
 */
export function fuse(
  found: Found,
  calibration: Pick<Calibration, 'ranking'>,
  cosinesOf: (keys: readonly number[]) => Float32Array,
): Candidate[] {
  const cosines = allCosines(found, cosinesOf);
  const aliases = new Map(found.aliases.map((hit) => [hit.key, hit]));
  const ranks = new Map(found.lexical.map((hit, rank) => [hit.key, rank]));
  const dense = new Set(found.dense.keys);
  const floor = found.dense.cosines.at(-1) ?? -1;
  const candidates: Candidate[] = [];
  for (const [key, cosine] of cosines) {
    const hit = aliases.get(key);
    const lexicalRank = ranks.get(key) ?? null;
    const evidence: Evidence = {
      key,
      cosine,
      lexicalRank,
      exactTitle: hit?.isTitle ?? false,
      exactAlias: hit !== undefined,
      prior: hit?.prior ?? (found.priorMentions > 0 ? 0 : null),
      priorMentions: found.priorMentions,
      sources: sourcesOf(dense.has(key), hit !== undefined, lexicalRank !== null),
    };
    candidates.push(scored(evidence, scoresOf(evidence, Math.max(cosine, floor), calibration)));
  }
  return candidates.sort(byRetrieval).slice(0, MAX_CANDIDATES);
}

export function byRetrieval(a: Candidate, b: Candidate): number {
  return b.retrievalScore - a.retrievalScore || b.cosine - a.cosine || a.key - b.key;
}

/** Field by field: spreading takes V8 a hundred times as long, which made it most of the step's own time. */
function scored(
  { key, cosine, lexicalRank, exactTitle, exactAlias, prior, priorMentions, sources }: Evidence,
  { retrievalScore, evidenceScore }: ReturnType<typeof scoresOf>,
): Candidate {
  return {
    key,
    cosine,
    lexicalRank,
    exactTitle,
    exactAlias,
    prior,
    priorMentions,
    retrievalScore,
    evidenceScore,
    sources,
  };
}

function allCosines(
  { dense, aliases, lexical }: Found,
  cosinesOf: (keys: readonly number[]) => Float32Array,
): Map<number, number> {
  const cosines = new Map<number, number>();
  dense.keys.forEach((key, at) => cosines.set(key, dense.cosines[at] ?? NaN));
  const missing = new Set([...aliases, ...lexical].map((hit) => hit.key));
  for (const key of cosines.keys()) missing.delete(key);
  const keys = [...missing];
  cosinesOf(keys).forEach((cosine, at) => {
    const key = keys[at];
    if (key !== undefined && !Number.isNaN(cosine)) cosines.set(key, cosine);
  });
  return cosines;
}

function sourcesOf(dense: boolean, alias: boolean, lexical: boolean): CandidateSource[] {
  const sources: CandidateSource[] = [];
  if (dense) sources.push('dense');
  if (alias) sources.push('alias');
  if (lexical) sources.push('lexical');
  return sources;
}
