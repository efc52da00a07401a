import { describe, expect, test } from '@jest/globals';
import { shippedTokenizer } from '../../../test/support/golden.js';
import { SHAPES, shapesOf } from './word-shapes.js';

const OPENS = 6;
const shapes = (text: string) => {
  const pieces = shippedTokenizer.tokenize(text);
  return [...shapesOf(text, pieces, 0, pieces.ids.length)];
};

describe('shapesOf', () => {
  test.each([
    ['lower case', 'a cat', [1 + OPENS, 1]],
    ['capitalised, also a single capital', 'in Paris A', [1 + OPENS, 2, 2]],
    ['upper case', 'in NATO', [1 + OPENS, 3]],
    ['letters with a digit or an inner capital', 'a 3D McDonald', [1 + OPENS, 4, 4]],
    ['digits', 'in 1984', [1 + OPENS, 5]],
    ['signs', 'so: 😀', [1 + OPENS, 6, 6]],
    ['letters without case', 'in 東', [1 + OPENS, 1]],
    ['a full stop and white space open a sentence', 'so. Do', [1 + OPENS, 6, 2 + OPENS]],
    ['a full stop alone does not', 'so.do', [1 + OPENS, 6, 1]],
    ['a line break does', 'so\ndo', [1 + OPENS, 1 + OPENS]],
    ['nothing for nothing', '', []],
  ])('%s: %j', (_, text, expected) => {
    expect(shapes(text)).toEqual(expected);
  });

  test('a part of the text has the shapes that it has in the whole', () => {
    const text = 'He went. Then NATO met in\nParis, 1984.';
    const pieces = shippedTokenizer.tokenize(text);
    const whole = shapesOf(text, pieces, 0, pieces.ids.length);
    for (let from = 0; from < pieces.ids.length; from++) {
      expect(shapesOf(text, pieces, from, pieces.ids.length)).toEqual(whole.slice(from));
    }
    expect(Math.max(...whole)).toBeLessThan(SHAPES);
  });
});
