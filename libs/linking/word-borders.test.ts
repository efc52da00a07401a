import { describe, expect, test } from '@jest/globals';
import { snappedToWords } from './word-borders.js';

/** The span between the bars, snapped. */
function snapped(marked: string): string | null {
  const [before = '', inside = '', after = ''] = marked.split('|');
  const text = before + inside + after;
  const span = { start: before.length, end: before.length + inside.length };
  const found = snappedToWords(text, span);
  return found && text.slice(found.start, found.end);
}

describe('snappedToWords', () => {
  test.each([
    ['a part of a word becomes the word', 'the m|ous|e ran', 'mouse'],
    ['words are left as they are', 'in |New York| now', 'New York'],
    ['a hyphen is a border', 'a |beta|-catenin', 'beta'],
    ['quotes, commas and white space stay outside', 'so| “Kind of Blue”,| he', 'Kind of Blue'],
    ['signs that belong to a name do not', 'in |C++| and', 'C++'],
    ['combining marks follow their letter', 'in |Jose|\u0301 now', 'Jose\u0301'],
    ['an emoji is not cut', '|Robin|👩‍🚀', 'Robin'],
    ['letters beyond the first plane', 'x |𝔸𝔹|ℂ y', '𝔸𝔹ℂ'],
    ['scripts without spaces have borders everywhere', '我在|東京|住', '東京'],
    ['nothing is left of signs', 'so |...| on', null],
    ['nothing is left of nothing', 'so ||, on', null],
    ['a control character is in no name', 'a |b\u0000c| d', null],
    ['half a surrogate pair neither', 'a |b\ud83dc| d', null],
    ['a line break may be inside', '|New\nYork|', 'New\nYork'],
    ['a blank line may not', '|New\n\nYork|', null],
  ])('%s', (_, marked, expected) => {
    expect(snapped(marked)).toBe(expected);
  });
});
