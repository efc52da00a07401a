import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { readGold } from '../../libs/evaluation/gold.js';
import { pythonSample } from './python-random.js';

const CARD_MENTIONS = 1_500;
const CARD_SEED = 7;
const RERANK_MENTIONS = 120;
const RERANK_SEED = 11;

export interface CardSamples {
  /** Ordinals of mentions in the dev file that the card's recall was measured on. */
  readonly recall: ReadonlySet<number>;
  /** Those of them that its reranker was measured on. */
  readonly rerank: ReadonlySet<number>;
}

/** The mentions that the card was measured on (evalprep.py and evalrerank.py of the model's training). */
export function cardSamples(mentions: number): CardSamples {
  const recall = pythonSample(CARD_SEED, mentions, Math.min(CARD_MENTIONS, mentions)).sort(
    (a, b) => a - b,
  );
  const places = pythonSample(RERANK_SEED, recall.length, Math.min(RERANK_MENTIONS, recall.length));
  return { recall: new Set(recall), rerank: new Set(places.map((at) => recall[at] ?? -1)) };
}

export async function countMentions(file: string): Promise<number> {
  let count = 0;
  for await (const { mentions } of readGold(file)) count += mentions.length;
  return count;
}

/** Writes the documents of a gold file with the chosen mentions only. */
export async function writeSample(
  file: string,
  chosen: ReadonlySet<number>,
  out: string,
): Promise<void> {
  const stream = createWriteStream(out);
  let ordinal = 0;
  for await (const document of readGold(file)) {
    const first = ordinal;
    ordinal += document.mentions.length;
    const mentions = document.mentions.filter((_, at) => chosen.has(first + at));
    if (mentions.length > 0) stream.write(`${JSON.stringify({ ...document, mentions })}\n`);
  }
  stream.end();
  await finished(stream);
}
