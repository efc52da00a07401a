import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { shippedManifest, shippedTokenizer } from '../../test/support/golden.js';
import type { TaggerSettings } from '../model/manifest.js';
import { detect, type Tagger } from './detect.js';

const NAMES = new Set(['paris', 'new york', 'c', 'josé', 'jose', 'x', '東京', 'a b']);

const PARTS = [
  'Paris', 'New York', 'Abraham Lincoln', 'C++', 'José', 'Jose\u0301', '東京', 'IBM', 'the', 'a', 'b', ' ', ' ', ' ',
  '. ', ', ', '\n', '\r\n', '\n\n', '🐍', '👩‍🚀', '🏳️‍🌈', '\u0301', '\u0301\u0323', '\u200f', '\u202e', '\u0000', '\ud83d',
  '\udc0d', '\ufeff', 'ﬁ', 'İ', 'ß', '½', "'s", '’s', '...', '(', ')', '"', 'Dr. ', 'U.S.', "I'm", "don't", 'e.g. ', '1,000',
]; // prettier-ignore

const oddText = fc
  .array(fc.constantFrom(...PARTS), { maxLength: 40 })
  .map((parts) => parts.join(''));

const TAGGER: TaggerSettings = {
  file: { path: 'tagger.onnx', sha256: '0'.repeat(64) },
  ...({ windowPieces: 126, windowStride: 94, shapes: 13, nameMarks: 3 } as const),
  ...{ begin: 0.2, inside: [0.5] },
};

/** A model whose tagger is sure of what the numbers say, one a piece: 0 outside, 1 begins, 2 goes on. */
function taggerOf(tagOfPiece: (piece: number) => number): Tagger {
  return {
    manifest: { ...shippedManifest, tagger: TAGGER },
    tokenizeInTurns: (text) => Promise.resolve(shippedTokenizer.tokenize(text)),
    tag: ({ pieces }) => {
      const tags = Array.from(pieces.ids, (_, piece) => tagOfPiece(piece));
      return Promise.resolve(
        Float32Array.from(tags.flatMap((tag) => [0, 1, 2].map((t) => Number(t === tag)))),
      );
    },
  };
}

describe('detect', () => {
  test('every mention is what stands at its place, whatever the text', async () => {
    await fc.assert(
      fc.asyncProperty(oddText, fc.infiniteStream(fc.nat(2)), async (text, tags) => {
        const model = taggerOf(() => Number(tags.next().value));
        for (const { start, end, surface } of await detect(text, { names: NAMES, model })) {
          expect(end).toBeGreaterThan(start);
          expect(text.slice(start, end)).toBe(surface);
          expect(surface).not.toMatch(/\p{Cs}/u);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('mentions come by place, and none twice', async () => {
    const text = 'Paris is not New York. Abraham Lincoln never saw Paris.';
    const mentions = await detect(text, { names: NAMES });
    expect(mentions.map(({ surface }) => surface)).toEqual([
      'Paris',
      'New York',
      'Abraham Lincoln',
      'Paris',
    ]);
  });

  test('a name of the KB inside a longer proper name is kept beside it', async () => {
    const mentions = await detect('We met Paris Hilton there.', { names: NAMES });
    expect(mentions.map(({ surface, source }) => [surface, source])).toEqual([
      ['Paris Hilton', 'compromise'],
      ['Paris', 'gazetteer'],
    ]);
  });

  test('what the tagger finds is a mention, and its word on the others is kept', async () => {
    const model = taggerOf((piece) => [1, 0, 1, 2][piece] ?? 0); // [Paris] has [many rats] .
    const mentions = await detect('Paris has many rats.', { names: NAMES, model });
    expect(mentions).toMatchObject([
      { surface: 'Paris', source: 'gazetteer', form: 'sentence-start', tagProbability: 1 },
      { surface: 'many rats', source: 'tagger', form: null, tagProbability: 1 },
    ]);
  });

  test('without a tagger nobody is asked', async () => {
    const model = { ...taggerOf(() => 1), manifest: { ...shippedManifest, tagger: undefined } };
    const [mention] = await detect('in Paris', { names: NAMES, model });
    expect(mention).toMatchObject({ tagProbability: null, insideProbability: null });
  });

  test('a proper name inside a known name is left out', async () => {
    const mentions = await detect('in New York.', { names: new Set(['in new york']) });
    expect(mentions.map(({ source }) => source)).toEqual(['gazetteer']);
  });

  test('offsets hold far into a long text', async () => {
    const text = `${'Nobody was there and nothing was said. '.repeat(200)}We met in Paris.`;
    const mentions = await detect(text, { names: NAMES });
    expect(mentions.map(({ start }) => start)).toEqual([text.length - 6]);
  });

  test('an abort ends it', async () => {
    const aborted = detect('Paris', { names: NAMES, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toThrow('aborted');
  });

  test('the event loop goes on while a long text is read', async () => {
    let turns = 0;
    const pulse = setInterval(() => turns++, 1);
    await detect('Abraham Lincoln was born in Kentucky in a small house. '.repeat(400), {
      names: NAMES,
    });
    clearInterval(pulse);
    expect(turns).toBeGreaterThan(10);
  });
});
