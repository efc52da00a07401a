import type { EntityRecord } from '../contract/entity.js';
import type { EntityText, LinkingModel, MentionPair } from '../model/linking-model.js';
import type { Span } from '../text/span.js';
import { entityText } from './records.js';
import type { RerankContext, RerankLogits, RerankRequest } from './reranker.js';
import type { RerankMode } from './stages.js';
import { nextWave, type WaveState } from './waves.js';

/** Pairs handed to the model at a time; between two such calls the caller's abort is heard. */
const PAIRS_A_CALL = 256;

export interface ScoringContext extends RerankContext {
  readonly model: LinkingModel;
}

type AskedMention = RerankRequest['mentions'][number];

/** A mention and one of its candidates. */
interface Pair {
  readonly mention: Span;
  readonly key: number;
}

/**
 * The cross-encoder's logits of one document's mentions. In waves over all of them, best candidates first; a mention
 * leaves when nothing unscored can win (`waves.ts`). Pairs of other documents never share a batch with these, so
 * the logits depend on the request alone.
 */
export async function scoreWaves(
  request: RerankRequest,
  context: ScoringContext,
): Promise<RerankLogits> {
  const { calibration } = context.model.manifest;
  const scorer = new PairScorer(context);
  let states = request.mentions.map(firstState);
  for (;;) {
    const waves = states.map((state, at) => {
      const mention = request.mentions[at];
      if (mention === undefined) return [];
      const wave = nextWave(state, modeFor(mention, request), calibration);
      return pairsOf(mention, state.logits.length, wave);
    });
    if (waves.every((wave) => wave.length === 0)) break;
    await scorer.score(waves.flat());
    states = states.map((state, at) => afterWave(state, waves[at] ?? [], scorer));
  }
  return { logits: states.map(({ logits }) => [...logits]), pairsScored: scorer.pairsScored };
}

/** Whether the cross-encoder has to be asked about the mention at all. */
export function hasWaves(
  mention: AskedMention,
  how: Pick<RerankRequest, 'mode' | 'minConfidence'>,
  { manifest }: Pick<LinkingModel, 'manifest'>,
): boolean {
  return nextWave(firstState(mention), modeFor(mention, how), manifest.calibration) > 0;
}

function firstState({ candidates }: AskedMention): WaveState {
  const scores = candidates.map(([, retrievalScore, evidenceScore]) => {
    return { retrievalScore, evidenceScore };
  });
  return { candidates: scores, logits: [], wavesDone: 0 };
}

/** A span so doubtful that it is NIL whatever its entity is not worth a pair, unless all are asked for. */
function modeFor(
  { spanProbability }: AskedMention,
  { mode, minConfidence }: Pick<RerankRequest, 'mode' | 'minConfidence'>,
): RerankMode {
  return mode === 'adaptive' && spanProbability < minConfidence ? 'none' : mode;
}

function pairsOf(mention: AskedMention, from: number, count: number): Pair[] {
  return mention.candidates.slice(from, from + count).map(([key]) => ({ mention, key }));
}

function afterWave(state: WaveState, wave: readonly Pair[], scorer: PairScorer): WaveState {
  if (wave.length === 0) return state;
  const logits = wave.map((pair) => scorer.logitOf(pair));
  return { ...state, logits: [...state.logits, ...logits], wavesDone: state.wavesDone + 1 };
}

/** Asks the model about pairs, each pair of span and entity once a document. */
class PairScorer {
  private readonly logits = new Map<string, number>();
  private readonly texts = new Map<number, EntityText>();

  constructor(private readonly context: ScoringContext) {}

  get pairsScored(): number {
    return this.logits.size;
  }

  async score(pairs: readonly Pair[]): Promise<void> {
    const { records, model, pieces, lane, signal } = this.context;
    await records.load(pairs.map(({ key }) => key));
    const fresh = [...this.unscored(pairs)];
    for (let from = 0; from < fresh.length; from += PAIRS_A_CALL) {
      signal?.throwIfAborted();
      const part = fresh.slice(from, from + PAIRS_A_CALL);
      const asked = part.map(([, pair]) => pair);
      const logits = await model.scorePairs(pieces, asked, lane);
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
      const record = this.context.records.get(pair.key);
      const id = idOf(pair);
      if (record === undefined || this.logits.has(id)) continue;
      const { start, end } = pair.mention;
      fresh.set(id, { span: { start, end }, entity: this.textOf(pair.key, record) });
    }
    return fresh;
  }

  /** One object an entity, however many mentions it is a candidate of: the model lays it out once. */
  private textOf(key: number, record: EntityRecord): EntityText {
    const text = this.texts.get(key) ?? entityText(record);
    this.texts.set(key, text);
    return text;
  }
}

function idOf({ mention, key }: Pair): string {
  return `${mention.start}:${mention.end}:${key}`;
}
