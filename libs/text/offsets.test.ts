import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CodePointOffsets, firstCodePoints, splitsSurrogatePair } from './offsets.js';

test('an offset inside a surrogate pair is seen, at lone halves it is not', () => {
  expect([0, 1, 2, 3].filter((at) => splitsSurrogatePair('a😀', at))).toEqual([2]);
  expect([0, 1, 2].filter((at) => splitsSurrogatePair('\ude00\ud83d', at))).toEqual([]);
});

test('both directions agree with counting code points', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\ud83d', '\ude00') });
  fc.assert(
    fc.property(text, (sample) => {
      const offsets = new CodePointOffsets(sample);
      let utf16 = 0;
      Array.from(sample)
        .concat('')
        .forEach((character, codePoint) => {
          expect(offsets.toCodePoint(utf16)).toBe(codePoint);
          expect(offsets.toUtf16(codePoint)).toBe(utf16);
          utf16 += character.length;
        });
    }),
  );
});

test('offsets past the end stay past the end', () => {
  const offsets = new CodePointOffsets('😀😀');
  expect(offsets.toUtf16(3)).toBe(5);
  expect(offsets.toCodePoint(5)).toBe(3);
});

test('a cut by code points never splits a pair', () => {
  expect(firstCodePoints('a😀b', 2)).toBe('a😀');
  expect(firstCodePoints('\ud83d\ud83d😀', 3)).toBe('\ud83d\ud83d😀');
  expect(firstCodePoints('abc', 5)).toBe('abc');
});
