import { availableParallelism } from 'node:os';
import '../../libs/model/no-telemetry.js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { TokenBatch } from '../../libs/model/engine.js';
import { sessionOptions } from '../../libs/model/onnx-engine.js';

/** ONNX Runtime without our code around it: what our figures are held against. */
export type Feeds = Record<string, Tensor>;

/** A session with our options, on this thread. */
export function openSession(path: string): Promise<InferenceSession> {
  return InferenceSession.create(path, sessionOptions(availableParallelism()));
}

/** A session with the runtime's own defaults. */
export function openPlainSession(path: string): Promise<InferenceSession> {
  return InferenceSession.create(path);
}

/** The inputs of the graphs for a padded batch. */
export function feedsOf(batch: TokenBatch & { secondSegments?: Int32Array }): Feeds {
  const rows = batch.lengths.length;
  const dims = [rows, batch.ids.length / rows];
  const column = (i: number) => i % (dims[1] ?? 1);
  const row = (i: number) => Math.floor(i / (dims[1] ?? 1));
  const inside = (i: number) => column(i) < (batch.lengths[row(i)] ?? 0);
  const each = (value: (i: number) => number) => Array.from(batch.ids, (_, i) => value(i));
  const feeds: Feeds = {
    input_ids: longs(batch.ids, dims),
    attention_mask: longs(each((i) => Number(inside(i))), dims), // prettier-ignore
  };
  const { secondSegments } = batch;
  if (secondSegments) {
    const second = (i: number) => Number(inside(i) && column(i) >= (secondSegments[row(i)] ?? 0));
    feeds['token_type_ids'] = longs(each(second), dims);
  }
  return feeds;
}

function longs(values: ArrayLike<number>, dims: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(Array.from(values, BigInt)), dims);
}

/** One run a batch, one after another. */
export function sequential(session: InferenceSession, feeds: readonly Feeds[]) {
  return async () => {
    for (const feed of feeds) await session.run(feed);
  };
}
