import { expect, test } from '@jest/globals';
import { checkedDocument } from './documents.js';

const text = '😀😀 M';

test('a mention in code points is taken as its UTF-16 units', () => {
  const { mentions } = checkedDocument({ text, mentions: [{ start: 3, end: 4 }] }, 'codepoint');
  expect(mentions).toEqual([{ start: 5, end: 6 }]);
});

test.each([
  ['codepoint', '[3, 7) is outside the text, which has 4 code points.'],
  ['utf16', '[3, 7) is outside the text, which has 6 UTF-16 units.'],
] as const)('a mention outside the text is answered in the unit %s', (unit, message) => {
  const check = () => checkedDocument({ text, mentions: [{ start: 3, end: 7 }] }, unit);
  expect(check).toThrow(message);
});
