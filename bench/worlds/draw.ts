import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { readGold, type GoldDocument } from '../../libs/evaluation/gold.js';
import { shuffledOrdinals } from '../../libs/evaluation/sample.js';

/**
 * Whole documents in a seeded random order until they hold `limit` mentions; of the last one the first mentions that
 * still fit. A smaller limit gives a beginning of the same sample, so that columns of different size share mentions.
 */
export function draw(
  documents: readonly GoldDocument[],
  { limit, seed }: { limit: number; seed: number },
): GoldDocument[] {
  const marked = documents.filter(({ mentions }) => mentions.length > 0);
  const drawn: GoldDocument[] = [];
  let left = limit;
  for (const at of shuffledOrdinals(marked.length, seed)) {
    const document = marked[at];
    if (document === undefined || left === 0) break;
    const mentions = document.mentions.slice(0, left);
    drawn.push({ ...document, mentions });
    left -= mentions.length;
  }
  return drawn;
}

export async function documentsOf(file: string): Promise<GoldDocument[]> {
  const documents: GoldDocument[] = [];
  for await (const document of readGold(file)) documents.push(document);
  return documents;
}

/** JSON Lines. */
export async function writeLines(file: string, rows: Iterable<unknown>): Promise<void> {
  const stream = createWriteStream(file);
  for (const row of rows) stream.write(`${JSON.stringify(row)}\n`);
  stream.end();
  await finished(stream);
}
