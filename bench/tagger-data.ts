/**
 * `node dist/bench/tagger-data.js --out FOLDER WORLD…`: what the tagger is trained on, computed by the product's own
 * code, so that training and service cannot differ: for each world (`support/world-files.ts`) a file `<world>.jsonl`,
 * a document a line: its pieces, their shapes, the marks of the KB's names, and the labelled spans. Read by
 * training/tagger.py.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { loadSettings } from '../libs/config/settings.js';
import { gazetteerMentionsInTurns, type KnownNames } from '../libs/linking/gazetteer.js';
import { openModelFolder } from '../libs/model/model-folder.js';
import { nameMarks } from '../libs/model/layout/name-marks.js';
import { shapesOf } from '../libs/model/layout/word-shapes.js';
import { WordPiece } from '../libs/text/wordpiece.js';
import { documentsOfWorld, namesOfWorld } from './support/world-files.js';

const { values, positionals: worlds } = parseArgs({
  options: { out: { type: 'string', default: '.referent/tagger-data' } },
  allowPositionals: true,
});
const { vocabulary } = await openModelFolder(loadSettings().modelDir);
const tokenizer = new WordPiece(vocabulary);

async function writeWorld(folder: string): Promise<void> {
  const names = await namesOfWorld(folder);
  const stream = createWriteStream(join(values.out, `${basename(folder)}.jsonl`));
  for await (const { id, split, text, mentions } of documentsOfWorld(folder)) {
    const gold = mentions.map(({ start, end }) => [start, end]);
    stream.write(
      `${JSON.stringify({ id, split, text, gold, ...(await columnsOf(text, names)) })}\n`,
    );
  }
  stream.end();
  await finished(stream);
}

async function columnsOf(text: string, names: KnownNames) {
  const pieces = tokenizer.tokenize(text);
  const marks = nameMarks(pieces, await gazetteerMentionsInTurns(text, names));
  return {
    pieces: [...pieces.ids],
    starts: [...pieces.starts],
    ends: [...pieces.ends],
    shapes: [...shapesOf(text, pieces, 0, pieces.ids.length)],
    names: [...marks],
  };
}

await mkdir(values.out, { recursive: true });
for (const world of worlds) {
  await writeWorld(world);
  process.stderr.write(`${world}\n`);
}
