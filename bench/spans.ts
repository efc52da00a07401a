/**
 * `node dist/bench/spans.js --out FOLDER [--documents N] [--learned] WORLD…`: what detect offers in labelled texts
 * that the tagger was not trained on, with the features of its probability: for each world
 * (`support/world-files.ts`) a file `<world>.jsonl`, a document a line, with the labelled spans beside. With
 * `--learned` as in a KB that has learned the world's train texts. Read by training/calibrate_spans.py. Needs no KB:
 * detect asks for names alone.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { loadSettings } from '../libs/config/settings.js';
import { detect } from '../libs/linking/detect.js';
import type { KnownNames } from '../libs/linking/gazetteer.js';
import { baseOf, spanFeatures, withRivals } from '../libs/linking/span-probability.js';
import { LinkingModel } from '../libs/model/linking-model.js';
import { normaliseName } from '../libs/text/normalise.js';
import { LearnedSurfaces } from './spans/learned-surfaces.js';
import { documentsOfWorld, namesOfWorld } from './support/world-files.js';

const { values: options, positionals: worlds } = parseArgs({
  options: {
    out: { type: 'string', default: '.referent/spans' },
    /** Of each split, at most. */
    documents: { type: 'string', default: '1000' },
    learned: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const model = await LinkingModel.load(loadSettings().modelDir, { threads: 1 });

async function writeWorld(folder: string): Promise<void> {
  const listed = await namesOfWorld(folder);
  const learned = new LearnedSurfaces();
  if (options.learned) await learned.learn(() => documentsOfWorld(folder), listed);
  const names = { has: (name: string) => listed.has(name) || learned.has(name) };
  const stream = createWriteStream(join(options.out, `${basename(folder)}.jsonl`));
  const written = { train: Infinity, held: 0, dev: 0, gold: 0 };
  for await (const { id, split, text, mentions } of documentsOfWorld(folder)) {
    if (written[split]++ >= Number(options.documents)) continue;
    const gold = mentions.map(({ start, end }) => [start, end]);
    const spans = await spansOf(text, names, learned);
    stream.write(`${JSON.stringify({ id, split, gold, spans })}\n`);
  }
  stream.end();
  await finished(stream);
}

async function spansOf(text: string, names: KnownNames, learned: LearnedSurfaces) {
  const found = (await detect(text, { names, model })).map((mention) => {
    return { ...mention, keyphraseness: learned.of(normaliseName(mention.surface)) };
  });
  return withRivals(found).map(({ mention, rivals }) => ({
    start: mention.start,
    end: mention.end,
    base: baseOf(mention),
    features: spanFeatures(mention, rivals),
  }));
}

await mkdir(options.out, { recursive: true });
for (const world of worlds) {
  await writeWorld(world);
  process.stderr.write(`${world}\n`);
}
await model.close();
