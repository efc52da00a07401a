import type { EntityRecord } from '../contract/entity.js';
import type { EntityText, LinkingModel, MentionPair } from '../model/linking-model.js';
import type { Calibration } from '../model/manifest.js';
import type { Pieces } from '../text/pieces.js';
import { byRetrieval } from './fuse.js';
import type { Records } from './records.js';
import type {
  Candidate,
  Mention,
  RankedCandidate,
  RankedMention,
  RerankMode,
  RetrievedMention,
} from './stages.js';
import { fusedScore, nextWave, type WaveState } from './waves.js';

/** Pairs handed to the model at a time; between two such calls the caller's abort is heard. */
const PAIRS_A_CALL = 256;

export interface RerankOptions {
  readonly mode: RerankMode;
  readonly model: LinkingModel;
  readonly records: Records;
  /** The confidence below which decide says NIL. */
  readonly minConfidence: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Reranked {
  readonly mentions: readonly RankedMention[];
  /** Pairs that the model scored; one that two equal mentions share counts once. */
  readonly pairsScored: number;
}

/** A mention and one of its candidates. */
interface Pair {
  readonly mention: Mention;
  readonly candidate: Candidate;
}

/**
 * Step 4: the cross-encoder's logit for the close calls. In waves over all mentions of the document, best
 * candidates first; a mention leaves when nothing unscored can win (`waves.ts`).
 */
export async function rerank(
  pieces: Pieces,
  retrieved: readonly RetrievedMention[],
  options: RerankOptions,
): Promise<Reranked> {
  const { calibration } = options.model.manifest;
  const scorer = new PairScorer(pieces, options);
  let states: WaveState[] = retrieved.map(({ candidates }) => ({
    candidates,
    logits: [],
    wavesDone: 0,
  }));
  for (;;) {
    const waves = states.map((state, at) => {
      const wave = nextWave(state, modeFor(retrieved[at], options), calibration);
      const next = state.candidates.slice(state.logits.length, state.logits.length + wave);
      return pairsOf(retrieved[at], next);
    });
    if (waves.every((wave) => wave.length === 0)) break;
    await scorer.score(waves.flat());
    states = states.map((state, at) => afterWave(state, waves[at] ?? [], scorer));
  }
  const mentions = retrieved.map(({ mention }, at) =>
    rankedMention(mention, states[at], calibration),
  );
  return { mentions, pairsScored: scorer.pairsScored };
}

/** A span so doubtful that it is NIL whatever its entity is not worth a pair, unless all are asked for. */
function modeFor(retrieved: RetrievedMention | undefined, options: RerankOptions): RerankMode {
  const isHopeless = (retrieved?.mention.spanProbability ?? 0) < options.minConfidence;
  return options.mode === 'adaptive' && isHopeless ? 'none' : options.mode;
}

function pairsOf(
  retrieved: RetrievedMention | undefined,
  candidates: readonly Candidate[],
): Pair[] {
  if (retrieved === undefined) return [];
  return candidates.map((candidate) => ({ mention: retrieved.mention, candidate }));
}

function afterWave(state: WaveState, wave: readonly Pair[], scorer: PairScorer): WaveState {
  if (wave.length === 0) return state;
  const logits = wave.map((pair) => scorer.logitOf(pair));
  return { ...state, logits: [...state.logits, ...logits], wavesDone: state.wavesDone + 1 };
}

function rankedMention(
  mention: Mention,
  state: WaveState | undefined,
  calibration: Calibration,
): RankedMention {
  const { candidates, logits } = state ?? { candidates: [], logits: [] };
  const ranked = candidates.map((candidate, at): RankedCandidate => {
    const logit = logits[at] ?? null;
    const score = fusedScore(logit ?? 0, candidate, calibration);
    return { ...candidate, logit, fusedScore: score };
  });
  const isGone = (at: number) => at < logits.length && logits[at] === null;
  const scored = ranked.filter((_, at) => at < logits.length && !isGone(at));
  const rest = ranked.slice(logits.length);
  return { mention, candidates: [...scored.sort(byFusion), ...rest], pairsScored: scored.length };
}

export function byFusion(a: RankedCandidate, b: RankedCandidate): number {
  return b.fusedScore - a.fusedScore || byRetrieval(a, b);
}

/** Asks the model about pairs, each pair of span and entity once a document. */
class PairScorer {
  private readonly logits = new Map<string, number>();

  constructor(
    private readonly pieces: Pieces,
    private readonly options: RerankOptions,
  ) {}

  get pairsScored(): number {
    return this.logits.size;
  }

  async score(pairs: readonly Pair[]): Promise<void> {
    await this.options.records.load(pairs.map((pair) => pair.candidate.key));
    const fresh = [...this.unscored(pairs)];
    for (let from = 0; from < fresh.length; from += PAIRS_A_CALL) {
      this.options.signal?.throwIfAborted();
      const part = fresh.slice(from, from + PAIRS_A_CALL);
      const logits = await this.options.model.scorePairs(
        this.pieces,
        part.map(([, pair]) => pair),
      );
      part.forEach(([id], at) => this.logits.set(id, logits[at] ?? 0));
    }
  }

  /** null where the entity is gone from the KB. */
  logitOf(pair: Pair): number | null {
    return this.logits.get(idOf(pair)) ?? null;
  }

  private unscored(pairs: readonly Pair[]): Map<string, MentionPair> {
    const fresh = new Map<string, MentionPair>();
    for (const pair of pairs) {
      const record = this.options.records.get(pair.candidate.key);
      const id = idOf(pair);
      if (record === undefined || this.logits.has(id)) continue;
      fresh.set(id, { span: pair.mention, entity: entityText(record) });
    }
    return fresh;
  }
}

function idOf({ mention, candidate }: Pair): string {
  return `${mention.start}:${mention.end}:${candidate.key}`;
}

/** What the encoders read of a record. */
export function entityText(record: EntityRecord): EntityText {
  return {
    title: record.title,
    aliases: record.aliases.map((alias) => alias.name),
    types: record.types,
    description: record.description,
  };
}
