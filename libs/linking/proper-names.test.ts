import { describe, expect, test } from '@jest/globals';
import { properNames } from './proper-names.js';

const surfaces = (text: string) =>
  properNames(text, 0).map(({ start, end }) => text.slice(start, end));

describe('properNames', () => {
  test.each([
    ['Abraham Lincoln met Frederick Douglass.', ['Abraham Lincoln', 'Frederick Douglass']],
    ['We saw Mr. Abraham Lincoln’s hat.', ['Abraham Lincoln']],
    ['The University of Oxford is old.', ['University of Oxford']],
    ['He flew to Boston, Chicago and Denver.', ['Boston', 'Chicago', 'Denver']],
    ['It rained in Brazil. Cambridge was dry.', ['Brazil', 'Cambridge']],
    ['nothing to see here', []],
    ['It was on Monday in January.', []],
  ])('%s', (text, expected) => {
    expect(surfaces(text)).toEqual(expected);
  });

  test('offsets are moved by the offset of the piece', () => {
    expect(properNames('in Boston', 50)).toEqual([{ start: 53, end: 59 }]);
  });

  test.each([
    'constructor __proto__ toString',
    'hasOwnProperty of Constructor',
    '\u0000\ud800',
    '((((',
    '%s%n',
  ])('odd text does not break it: %j', (text) => {
    expect(() => properNames(text, 0)).not.toThrow();
  });
});
