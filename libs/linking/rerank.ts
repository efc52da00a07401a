import type { LinkingModel } from '../model/linking-model.js';
import type { Calibration } from '../model/manifest.js';
import { byRetrieval } from './fuse.js';
import type { Reranker, RerankContext, RerankRequest } from './reranker.js';
import { hasWaves } from './score-waves.js';
import type {
  Candidate,
  RankedCandidate,
  RankedMention,
  RerankMode,
  RetrievedMention,
} from './stages.js';
import { fusedScore } from './waves.js';

export interface RerankOptions extends RerankContext {
  readonly kb: string;
  readonly text: string;
  readonly mode: RerankMode;
  readonly model: Pick<LinkingModel, 'manifest' | 'identity'>;
  readonly reranker: Reranker;
  /** The confidence below which decide says NIL. */
  readonly minConfidence: number;
}

export interface Reranked {
  readonly mentions: readonly RankedMention[];
  /** Pairs that the model scored; one that two equal mentions share counts once. */
  readonly pairsScored: number;
}

/**
 * Step 4: the cross-encoder's logit for the close calls. Which those are is decided here, so that nobody is asked
 * about a document that has none; who is asked scores them in waves (`score-waves.ts`).
 */
export async function rerank(
  retrieved: readonly RetrievedMention[],
  options: RerankOptions,
): Promise<Reranked> {
  const { calibration } = options.model.manifest;
  const asked = new Map<RetrievedMention, RerankRequest['mentions'][number]>();
  for (const each of retrieved) {
    const mention = askedMention(each);
    if (hasWaves(mention, options, options.model)) asked.set(each, mention);
  }
  const { logits, pairsScored } = await logitsOf([...asked.values()], options);
  const places = new Map([...asked.keys()].map((each, at) => [each, logits[at]]));
  const mentions = retrieved.map((each) =>
    rankedMention(each, places.get(each) ?? [], calibration),
  );
  return { mentions, pairsScored };
}

async function logitsOf(mentions: RerankRequest['mentions'], options: RerankOptions) {
  if (mentions.length === 0) return { logits: [], pairsScored: 0 };
  const { kb, text, mode, minConfidence, model, reranker } = options;
  const { release } = model.identity;
  return reranker.logits({ kb, release, text, mentions, mode, minConfidence }, options);
}

function askedMention({ mention, candidates }: RetrievedMention) {
  const { start, end, spanProbability } = mention;
  const scoresOf = ({
    key,
    retrievalScore,
    evidenceScore,
  }: Candidate): [number, number, number] => [key, retrievalScore, evidenceScore];
  return { start, end, spanProbability, candidates: candidates.map(scoresOf) };
}

function rankedMention(
  { mention, candidates }: RetrievedMention,
  logits: readonly (number | null)[],
  calibration: Calibration,
): RankedMention {
  const ranked = candidates.map((candidate, at) => {
    const logit = logits[at] ?? null;
    return withLogit(candidate, logit, fusedScore(logit ?? 0, candidate, calibration));
  });
  const isGone = (at: number) => at < logits.length && logits[at] === null;
  const scored = ranked.filter((_, at) => at < logits.length && !isGone(at));
  const rest = ranked.slice(logits.length);
  return { mention, candidates: [...scored.sort(byFusion), ...rest], pairsScored: scored.length };
}

/** Field by field, as in `fuse.ts`. */
function withLogit(of: Candidate, logit: number | null, score: number): RankedCandidate {
  return {
    key: of.key,
    cosine: of.cosine,
    lexicalRank: of.lexicalRank,
    exactTitle: of.exactTitle,
    exactAlias: of.exactAlias,
    prior: of.prior,
    priorMentions: of.priorMentions,
    retrievalScore: of.retrievalScore,
    evidenceScore: of.evidenceScore,
    sources: of.sources,
    logit,
    fusedScore: score,
  };
}

export function byFusion(a: RankedCandidate, b: RankedCandidate): number {
  return b.fusedScore - a.fusedScore || byRetrieval(a, b);
}
