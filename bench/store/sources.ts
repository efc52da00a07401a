import { Readable } from 'node:stream';
import { randomSource } from '../../libs/index/testing/vectors.js';
import { streamSource, type ImportSource } from '../../libs/jobs/import-source.js';

const WORDS = 20_000;

/** JSON Lines of entities with two aliases and a description of some 200 characters; words as unequal as Zipf's. */
export function generatedSource(count: number): ImportSource {
  return streamSource(Readable.from(chunks(count)), 'jsonl', `${count} generated`);
}

function* chunks(count: number): Generator<Buffer> {
  const random = randomSource(1);
  const word = () => `w${Math.floor(WORDS ** random())}`;
  const phrase = (length: number) => Array.from({ length }, word).join(' ');
  for (let from = 0; from < count; from += 500) {
    const lines = Array.from({ length: Math.min(500, count - from) }, (_, at) =>
      JSON.stringify({
        id: `id${from + at}`,
        title: phrase(2),
        aliases: [phrase(2), phrase(1)],
        types: ['generated'],
        description: phrase(40),
      }),
    );
    yield Buffer.from(`${lines.join('\n')}\n`);
  }
}
