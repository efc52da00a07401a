import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { readGold, type GoldDocument } from '../../libs/evaluation/gold.js';
import { linesOfFile } from '../../libs/evaluation/lines.js';
import { shuffledOrdinals } from '../../libs/evaluation/sample.js';

export interface Sizes {
  /** At most so many entities: those that the documents are about, then the first of the file. */
  readonly entities: number;
  /** Documents of the dev split until so many mentions are reached. */
  readonly mentions: number;
  /** The same of the train split. */
  readonly trainMentions: number;
  readonly seed: number;
}

export interface CutWorld {
  readonly entities: number;
  /** Every mention has an entity of the cut KB. */
  readonly documents: readonly GoldDocument[];
}

/** Writes entities.jsonl and train.jsonl of a cut world into the folder; the same sizes give the same files. */
export async function cutWorld(world: string, folder: string, sizes: Sizes): Promise<CutWorld> {
  const documents = await drawn(join(world, 'dev.jsonl.gz'), sizes.mentions, sizes.seed);
  const train = await drawn(join(world, 'train.jsonl.gz'), sizes.trainMentions, sizes.seed);
  const needed = new Set(
    [...documents, ...train].flatMap(({ mentions }) => mentions.map(({ entityId }) => entityId)),
  );
  await mkdir(folder, { recursive: true });
  const entities = await writeEntities(world, folder, needed, sizes.entities);
  await writeFile(
    join(folder, 'train.jsonl'),
    train.map((each) => JSON.stringify(each)).join('\n'),
  );
  return { entities, documents };
}

/** Documents in a seeded order, without mentions of no entity, until there are enough mentions. */
async function drawn(file: string, mentions: number, seed: number): Promise<GoldDocument[]> {
  const all: GoldDocument[] = [];
  for await (const document of readGold(file)) {
    const known = document.mentions.filter(({ entityId }) => entityId !== null);
    if (known.length > 0) all.push({ ...document, mentions: known });
  }
  const chosen: GoldDocument[] = [];
  let count = 0;
  for (const ordinal of shuffledOrdinals(all.length, seed)) {
    const document = all[ordinal];
    if (document === undefined || count >= mentions) break;
    chosen.push(document);
    count += document.mentions.length;
  }
  return chosen;
}

async function writeEntities(
  world: string,
  folder: string,
  needed: ReadonlySet<string | null>,
  most: number,
): Promise<number> {
  const plain = join(world, 'entities.jsonl');
  const file = existsSync(plain) ? plain : `${plain}.gz`;
  const out = createWriteStream(join(folder, 'entities.jsonl'));
  let others = Math.max(0, most - needed.size);
  let written = 0;
  for await (const { text } of linesOfFile(file)) {
    const { id } = JSON.parse(text) as { id: string };
    if (!needed.has(id) && others-- <= 0) continue;
    out.write(`${text}\n`);
    written += 1;
  }
  await finished(out.end());
  return written;
}
