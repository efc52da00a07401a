import './no-telemetry.js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  InferenceEngine,
  type EntityBatch,
  type MentionBatch,
  type PairBatch,
  type TagBatch,
  type TokenBatch,
} from './engine.js';
import { entityParts, mentionParts, PARTS, type HiddenStates, type Parts } from './pooling.js';
import { TAGS } from './layout/tag-windows.js';

/** Paths of the ONNX graphs, and how to run them. Plain data: it crosses to the worker thread. */
export interface OnnxSettings {
  readonly trunk: string;
  readonly mentionHead: string;
  readonly entityHead: string;
  readonly crossEncoder: string;
  readonly tagger?: string;
  /** Threads inside one operator. */
  readonly threads: number;
}

/** An int64 tensor of non-negative int32 values: their words are written directly, without BigInts. */
class LongTensor {
  readonly tensor: Tensor;
  private readonly words: Int32Array;

  constructor(rows: number, width: number) {
    const longs = new BigInt64Array(rows * width);
    this.words = new Int32Array(longs.buffer);
    this.tensor = new Tensor('int64', longs, [rows, width]);
  }

  /** Little-endian, as all machines are that ONNX Runtime has binaries for. */
  put(values: Int32Array): this {
    for (let i = 0; i < values.length; i++) this.words[2 * i] = values[i] ?? 0;
    return this;
  }

  fillOnes(from: number, to: number): void {
    for (let i = from; i < to; i++) this.words[2 * i] = 1;
  }
}

function tokenFeeds(batch: TokenBatch): Record<'input_ids' | 'attention_mask', Tensor> {
  const rows = batch.lengths.length;
  const width = batch.ids.length / rows;
  const mask = new LongTensor(rows, width);
  batch.lengths.forEach((length, row) => {
    mask.fillOnes(row * width, row * width + length);
  });
  const ids = new LongTensor(rows, width).put(batch.ids);
  return { input_ids: ids.tensor, attention_mask: mask.tensor };
}

function tokenTypes(batch: PairBatch): Tensor {
  const rows = batch.lengths.length;
  const width = batch.ids.length / rows;
  const types = new LongTensor(rows, width);
  batch.lengths.forEach((length, row) => {
    types.fillOnes(row * width + (batch.secondSegments[row] ?? length), row * width + length);
  });
  return types.tensor;
}

/** Columns of a batch [B, T] as tensors. */
function columnFeeds({ shapes, names, lengths }: TagBatch): Record<'shapes' | 'names', Tensor> {
  const [rows, width] = [lengths.length, shapes.length / lengths.length];
  const tensorOf = (column: Int32Array) => new LongTensor(rows, width).put(column).tensor;
  return { shapes: tensorOf(shapes), names: tensorOf(names) };
}

/**
 * By default threads without work spin for hundreds of milliseconds. 100 µs is enough to bridge the gaps between
 * operators: as fast on a machine of its own (6.9 against 7.4 ms a pair, 2 cores), 1.2 to 1.6 times as fast on one
 * that does other work, and an idle service takes no processor time.
 */
const SPIN_MICROSECONDS = '100';

export function sessionOptions(threads: number): InferenceSession.SessionOptions {
  return {
    intraOpNumThreads: threads,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4, // what fails is thrown; nothing needs to be printed as well
    extra: { session: { intra_op: { spin_duration_us: SPIN_MICROSECONDS } } },
  };
}

/** ONNX Runtime on the CPU. `run` blocks its thread, whatever it returns: keep it in a worker. */
export class OnnxEngine extends InferenceEngine {
  private constructor(
    private readonly sessions: Record<Graph, InferenceSession>,
    private readonly tagger: InferenceSession | undefined,
  ) {
    super();
  }

  static async load(settings: OnnxSettings): Promise<OnnxEngine> {
    const open = (path: string) => InferenceSession.create(path, sessionOptions(settings.threads));
    const sessions = {
      trunk: await open(settings.trunk),
      mentionHead: await open(settings.mentionHead),
      entityHead: await open(settings.entityHead),
      crossEncoder: await open(settings.crossEncoder),
    };
    const { tagger } = settings;
    return new OnnxEngine(sessions, tagger === undefined ? undefined : await open(tagger));
  }

  override async encodeMentions(batch: MentionBatch): Promise<Float32Array> {
    if (batch.rows.length === 0) return new Float32Array(0);
    const hidden = await this.hidden(batch);
    return this.head('mentionHead', mentionParts(hidden, batch), batch.features);
  }

  override async encodeEntities(batch: EntityBatch): Promise<Float32Array> {
    const hidden = await this.hidden(batch);
    return this.head('entityHead', entityParts(hidden, batch), batch.features);
  }

  override async scorePairs(batch: PairBatch): Promise<Float32Array> {
    const feeds = { ...tokenFeeds(batch), token_type_ids: tokenTypes(batch) };
    return floats(await this.sessions.crossEncoder.run(feeds), 'logits');
  }

  override async tagPieces(batch: TagBatch): Promise<Float32Array> {
    if (this.tagger === undefined) throw new TypeError('the model folder has no tagger');
    const feeds = { ...tokenFeeds(batch), ...columnFeeds(batch) };
    return softmaxOfRows(floats(await this.tagger.run(feeds), 'logits'), TAGS);
  }

  override async close(): Promise<void> {
    const { tagger } = this;
    const all = tagger === undefined ? [] : [tagger];
    await Promise.all([...Object.values(this.sessions), ...all].map((one) => one.release()));
  }

  /** [B, T] -> [B, T, H] */
  private async hidden(batch: TokenBatch): Promise<HiddenStates> {
    const values = floats(await this.sessions.trunk.run(tokenFeeds(batch)), 'hidden');
    const hiddenSize = values.length / batch.ids.length;
    return { values, hiddenSize, width: batch.ids.length / batch.lengths.length };
  }

  /** parts [M, 4, H], features [M, S] -> [M, D] */
  private async head(
    graph: Graph,
    { items, values }: Parts,
    features: Int32Array,
  ): Promise<Float32Array> {
    const parts = new Tensor('float32', values, [items, PARTS, values.length / (items * PARTS)]);
    const sparse = new LongTensor(items, features.length / items).put(features).tensor;
    return floats(await this.sessions[graph].run({ parts, sparse }), 'vectors');
  }
}

type Graph = 'trunk' | 'mentionHead' | 'entityHead' | 'crossEncoder';

/** [..., width] logits -> probabilities */
function softmaxOfRows(logits: Float32Array, width: number): Float32Array {
  const probabilities = new Float32Array(logits.length);
  for (let from = 0; from < logits.length; from += width) {
    const row = logits.subarray(from, from + width);
    const most = Math.max(...row);
    const total = row.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
    row.forEach((logit, i) => (probabilities[from + i] = Math.exp(logit - most) / total));
  }
  return probabilities;
}

function floats(output: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const data = output[name]?.data;
  if (!(data instanceof Float32Array)) throw new TypeError(`graph output ${name} is not float32`);
  return data;
}
