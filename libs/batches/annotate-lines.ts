import type { AnnotateOptions } from '../contract/annotate.js';
import type { BatchEntry } from '../kb/batch-store.js';
import type { Linker } from '../linking/linker.js';
import { annotateEntry, type ResultLine } from './annotate-entry.js';

export interface LinesWork {
  readonly linker: Linker;
  readonly options: AnnotateOptions;
  /** Documents at a time; as many results at most wait for an earlier one. */
  readonly width: number;
  readonly signal: AbortSignal;
}

/** The results of a stream of documents, in its order, reading no further ahead than it works. */
export async function* annotateLines(
  entries: AsyncIterable<BatchEntry>,
  { linker, options, width, signal }: LinesWork,
): AsyncGenerator<ResultLine> {
  const work = { linker, signal, isLastAttempt: false };
  const begun: Promise<ResultLine>[] = [];
  for await (const entry of entries) {
    signal.throwIfAborted();
    const result = annotateEntry(entry, options, work);
    result.catch(() => undefined); // it may fail before its turn has come
    begun.push(result);
    if (begun.length < width) continue;
    yield await taken(begun);
  }
  while (begun.length > 0) yield await taken(begun);
}

function taken(begun: Promise<ResultLine>[]): Promise<ResultLine> {
  const first = begun.shift();
  if (first === undefined) throw new Error('nothing was begun');
  return first;
}
