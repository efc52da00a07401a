import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { splitsSurrogatePair } from './offsets.js';
import { parseVocabulary, WordPiece } from './wordpiece.js';

interface GoldenText {
  readonly class: string;
  readonly text: string;
  readonly ids: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

const vocabulary = parseVocabulary(readFileSync('models/referent-v1/vocab.txt', 'utf8'));
const tokenizer = new WordPiece(vocabulary);
const golden = JSON.parse(
  readFileSync('libs/text/wordpiece.golden.json', 'utf8'),
) as readonly GoldenText[];
const UNKNOWN = 100;

function columns(text: string, maxPieces?: number) {
  const { ids, starts, ends } = tokenizer.tokenize(text, maxPieces);
  return { ids: Array.from(ids), starts: Array.from(starts), ends: Array.from(ends) };
}

const surfaces = (text: string) => {
  const { starts, ends } = columns(text);
  return starts.map((start, i) => text.slice(start, ends[i]));
};

test('the vocabulary has the lines of BERT base uncased', () => {
  expect(vocabulary.length).toBe(30_522);
  expect(['[PAD]', '[UNK]', '[CLS]', '[SEP]'].map((piece) => vocabulary.indexOf(piece))).toEqual([
    0, 100, 101, 102,
  ]);
});

test.each(golden)('ids and offsets as the reference: $class', ({ text, ids, starts, ends }) => {
  expect(columns(text)).toEqual({ ids, starts, ends });
});

test('special pieces written in a text are plain characters', () => {
  expect(surfaces('a [SEP] b')).toEqual(['a', '[', 'SEP', ']', 'b']);
});

test('lone surrogates are dropped, pairs are kept whole', () => {
  expect(surfaces('a\ud83db 😀\ude00c')).toEqual(['a\ud83db', '😀\ude00c']);
});

test('a text that is one endless word is one unknown piece, in linear time', () => {
  const length = 5_000_000;
  expect(columns('ü'.repeat(length))).toEqual({ ids: [UNKNOWN], starts: [0], ends: [length] });
});

const character = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  fc.constantFrom('a', 'b', 'ing', ' ', '.', '\u0301', 'é', 'ß', '東', '한', '\0', '\ud800', '😀'),
);
const anyText = fc.array(character, { maxLength: 60 }).map((parts) => parts.join(''));

test('each piece is what its slice of the text normalises to', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const { ids, starts, ends } = columns(text);
      ids.forEach((id, i) => {
        const slice = text.slice(starts[i], ends[i]);
        const piece = (vocabulary[id] ?? '').replace(/^##/, '');
        if (id === UNKNOWN) expect(slice).not.toBe('');
        else expect(lettersOf(slice)).toContain(piece);
      });
    }),
  );
});

/** The rules written a second time, over a whole string. A piece of Hangul jamo may be part of its slice. */
function lettersOf(slice: string): string {
  return slice
    .normalize('NFD')
    .replace(/[\p{Mn}\p{C}\ufffd]/gu, '')
    .split('')
    .map((unit) => unit.toLowerCase())
    .join('');
}

test('offsets ascend, never split a surrogate pair, and stay inside the text', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const { starts, ends } = columns(text);
      starts.forEach((start, i) => {
        expect(start).toBeGreaterThanOrEqual(starts[i - 1] ?? 0);
        expect(ends[i]).toBeGreaterThan(start);
        expect(ends[i]).toBeGreaterThanOrEqual(ends[i - 1] ?? 0);
        expect(splitsSurrogatePair(text, start) || splitsSurrogatePair(text, ends[i] ?? 0)).toBe(
          false,
        );
      });
      expect(ends.at(-1) ?? 0).toBeLessThanOrEqual(text.length);
    }),
  );
});

test('a limit gives the first pieces of the whole', () => {
  fc.assert(
    fc.property(anyText, fc.nat(20), (text, limit) => {
      expect(columns(text, limit).ids).toEqual(columns(text).ids.slice(0, limit));
    }),
  );
});

test('a text read in steps has the pieces of the whole, also when texts are read in turns', () => {
  fc.assert(
    fc.property(anyText, anyText, fc.integer({ min: 1, max: 9 }), (text, other, step) => {
      const readers = [tokenizer.reader(text), tokenizer.reader(other)];
      for (let to = step; readers.map((reader) => reader.readTo(to)).includes(false); to += step);
      const [pieces, others] = readers.map((reader) => Array.from(reader.finish().ids));
      expect(pieces).toEqual(columns(text).ids);
      expect(others).toEqual(columns(other).ids);
    }),
  );
});
