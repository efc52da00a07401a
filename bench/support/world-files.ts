import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { linesOfFile } from '../../libs/evaluation/lines.js';
import { readGold, type GoldDocument } from '../../libs/evaluation/gold.js';
import { normaliseName } from '../../libs/text/normalise.js';

/** A world is a folder with `entities` and `train`, `dev` or `gold`, JSON Lines, also gzipped. */
export type Split = 'train' | 'held' | 'dev' | 'gold';

const FILES = ['train', 'dev', 'gold'] as const;

/** The normalised names of a world's entities, without a store. */
export async function namesOfWorld(folder: string): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { text } of linesOfFile(fileOf(folder, 'entities'))) {
    const { title, aliases } = JSON.parse(text) as { title: string; aliases: readonly string[] };
    for (const name of [title, ...aliases]) names.add(normaliseName(name));
  }
  names.delete('');
  return names;
}

export async function* documentsOfWorld(
  folder: string,
): AsyncGenerator<GoldDocument & { split: Split }> {
  for (const name of FILES) {
    const file = fileOf(folder, name);
    if (!existsSync(file)) continue;
    for await (const document of readGold(file)) {
      yield { ...document, split: name === 'train' && isHeld(document.id) ? 'held' : name };
    }
  }
}

/**
 * One document of train in ten is not trained on: calibrate_spans.py fits on those. Parts of one paper
 * ("craft/123@4000") go together.
 */
function isHeld(id: string): boolean {
  return crc32(id.split('@')[0] ?? '') % 10 === 0;
}

function fileOf(folder: string, name: string): string {
  const plain = join(folder, `${name}.jsonl`);
  return existsSync(plain) ? plain : `${plain}.gz`;
}
