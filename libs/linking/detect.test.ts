import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { detect } from './detect.js';

const NAMES = new Set(['paris', 'new york', 'c', 'josé', 'jose', 'x', '東京', 'a b']);

const PARTS = [
  'Paris', 'New York', 'Abraham Lincoln', 'C++', 'José', 'Jose\u0301', '東京', 'IBM', 'the', 'a', 'b', ' ', ' ', ' ',
  '. ', ', ', '\n', '\r\n', '\n\n', '🐍', '👩‍🚀', '🏳️‍🌈', '\u0301', '\u0301\u0323', '\u200f', '\u202e', '\u0000', '\ud83d',
  '\udc0d', '\ufeff', 'ﬁ', 'İ', 'ß', '½', "'s", '’s', '...', '(', ')', '"', 'Dr. ', 'U.S.', "I'm", "don't", 'e.g. ', '1,000',
]; // prettier-ignore

const oddText = fc
  .array(fc.constantFrom(...PARTS), { maxLength: 40 })
  .map((parts) => parts.join(''));

describe('detect', () => {
  test('every mention is what stands at its place, whatever the text', async () => {
    await fc.assert(
      fc.asyncProperty(oddText, async (text) => {
        for (const { start, end, surface } of await detect(text, { names: NAMES })) {
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
