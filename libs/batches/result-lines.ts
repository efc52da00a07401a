import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchStore, ResultPage } from '../kb/batch-store.js';
import { isLive } from './job-answer.js';

export interface ResultsAsked {
  /** Results of the lines after this one. */
  readonly offset: number;
  readonly limit?: number | undefined;
  /** Goes on until the batch has ended. */
  readonly wait: boolean;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

const LOOK_AGAIN_MS = 300;

/** The results of a batch as JSON Lines, in the order of its documents, some at a time. */
export async function* resultLines(
  store: BatchStore,
  id: string,
  { offset, limit = Infinity, wait, signal }: ResultsAsked,
): AsyncGenerator<string> {
  let after = offset;
  let left = limit;
  while (left > 0) {
    // Before the results: what a batch got before it ended is in them then.
    const mayGoOn = wait && isLive(await store.get(id));
    const pages = await store.results(id, after);
    for (const page of pages) {
      const { text, count } = linesAfter(page, after, left);
      left -= count;
      after = page.to - 1;
      if (count > 0) yield text;
      if (left <= 0) return;
    }
    if (pages.length > 0) continue;
    if (!mayGoOn || signal.aborted) return;
    await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}

function linesAfter(
  { from, to, lines }: ResultPage,
  after: number,
  most: number,
): { text: string; count: number } {
  if (after < from && to - from <= most) return { text: lines, count: countOf(lines) };
  const asked = lines
    .split('\n')
    .filter((line) => line !== '' && numberOf(line) > after)
    .slice(0, most);
  return { text: asked.map((line) => `${line}\n`).join(''), count: asked.length };
}

function countOf(lines: string): number {
  let count = 0;
  for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** Every result begins with its line. */
function numberOf(result: string): number {
  return Number(/^\{"line":(\d+)/.exec(result)?.[1]);
}
