import { Readable } from 'node:stream';
import { clusteredVectors, randomSource } from '../../libs/index/testing/vectors.js';
import type { EntityEncoder } from '../../libs/jobs/embedder.js';
import { importEntities } from '../../libs/jobs/import-entities.js';
import type { ImportReport } from '../../libs/jobs/import-report.js';
import { streamSource, type ImportSource } from '../../libs/jobs/import-source.js';
import { SqliteCatalog } from '../../libs/kb/sqlite-catalog.js';
import { openModelFolder } from '../../libs/model/model-folder.js';
import { MODEL_FOLDER } from '../support/demo-kb.js';

const WORDS = 30_000;
const SYLLABLES = 'ba co du el fan gor hil in jo kar lem mi nor os pel qua ri sta tor ul ven wi xa yor zen'
  .split(' '); // prettier-ignore

type Random = () => number;

/** A word of its own for each number: two to four syllables. */
function wordOf(number: number): string {
  let word = '';
  for (let rest = number + SYLLABLES.length; rest > 0; rest = Math.floor(rest / SYLLABLES.length)) {
    word += SYLLABLES[rest % SYLLABLES.length] ?? '';
  }
  return word;
}

/** Words as unequal as Zipf's law has them. */
const anyWord = (random: Random) => wordOf(Math.floor(WORDS ** random()));
const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
const upTo = (most: number, random: Random) => Math.floor(random() * (most + 1));
const words = (count: number, random: Random) =>
  Array.from({ length: count }, () => anyWord(random)).join(' ');

/** One to four words, 4 to 40 characters. */
function name(random: Random): string {
  return Array.from({ length: 1 + upTo(3, random) }, () => capital(anyWord(random))).join(' ');
}

/** Titles of the first entities: texts about them are linked. */
export function generatedTitles(count: number): string[] {
  return [...entities(count)].map(({ title }) => title);
}

/** As long as those of real KBs: none to eight aliases, one in fifty with forty; descriptions of 10 to 60 words. */
function* entities(count: number) {
  const random = randomSource(1);
  for (let at = 0; at < count; at++) {
    const aliases = random() < 0.02 ? 40 : upTo(8, random);
    yield {
      id: `generated-${at}`,
      title: name(random),
      aliases: Array.from({ length: aliases }, () => name(random)),
      types: [anyWord(random)],
      description: `${capital(words(10 + upTo(50, random), random))}.`,
    };
  }
}

export function generatedSource(count: number): ImportSource {
  return streamSource(Readable.from(generatedPages(count)), 'jsonl', `${count} generated entities`);
}

/** JSON Lines. */
export function* generatedPages(count: number): Generator<Buffer> {
  let lines = '';
  for (const entity of entities(count)) {
    lines += `${JSON.stringify(entity)}\n`;
    if (lines.length < 100_000) continue;
    yield Buffer.from(lines);
    lines = '';
  }
  yield Buffer.from(lines);
}

/** Gives entities clusters of random unit vectors under the model's version: encoding 100,000 texts takes many minutes. */
export function clusterEncoder(manifest: EntityEncoder['manifest']): EntityEncoder {
  let calls = 0;
  return {
    manifest,
    encodeEntities: ({ length: count }) => {
      calls += 1;
      const { dimensions } = manifest;
      return Promise.resolve(clusteredVectors({ count, dimensions, seed: calls }));
    },
  };
}

/** A KB of generated entities, with random vectors in clusters unless told otherwise, stored and indexed by the import's own code. */
export async function importGeneratedKb(
  dataDir: string,
  kb: string,
  count: number,
  encoderFor: (manifest: EntityEncoder['manifest']) => EntityEncoder = clusterEncoder,
): Promise<{ entities: number; names: number; seconds: ImportReport['seconds'] }> {
  const catalog = new SqliteCatalog({ dataDir });
  const { manifest } = await openModelFolder(MODEL_FOLDER);
  const store = await catalog.openOrCreate(kb);
  const { seconds } = await importEntities({
    store,
    model: encoderFor(manifest),
    derivedFolder: catalog.derivedFolder(kb),
    sources: [generatedSource(count)],
    strict: true,
  });
  const { entities, names } = await store.info();
  await catalog.close();
  return { entities, names, seconds };
}
