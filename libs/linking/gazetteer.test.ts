import { describe, expect, test } from '@jest/globals';
import { normaliseName } from '../text/normalise.js';
import { gazetteerMentions } from './gazetteer.js';

const KB = ['New York', 'New York City', 'The New York Times', 'New York Times', 'York Minster', 'IT', 'WHO', 'US']
  .concat(['C', 'C++', 'C#', '2016', 'Python', 'Query', 'class', 'It', 'The Who', 'Will', 'St. Louis', 'Zürich'])
  .concat(['Mission: Impossible', 'Paris, Texas', 'Paris']); // prettier-ignore
const NAMES = new Set(KB.map(normaliseName));

const surfaces = (text: string) => gazetteerMentions(text, 0, NAMES).map(({ surface }) => surface);

describe('gazetteerMentions', () => {
  test.each([
    ['the longest name wins', 'He is in New York City now', ['New York City']],
    ['overlapping names are both kept', 'New York Minster', ['New York', 'York Minster']],
    ['case and accents do not matter', 'ZURICH and zürich', ['ZURICH', 'zürich']],
    ['singulars of plurals', 'Pythons and queries in classes', ['Pythons', 'queries', 'classes']],
    ['the possessive stays outside', 'Python’s and Paris’ charm', ['Python', 'Paris']],
    ['a name goes over a line break', 'New\nYork', ['New York'.replace(' ', '\n')]],
    ['but not over a sentence end', 'It is new. York is old.', []],
    ['nor over a blank line', 'New\n\nYork', []],
    ['abbreviations do not end a sentence', 'in St. Louis today', ['St. Louis']],
    [
      'a comma or a colon may be inside',
      'Mission: Impossible in Paris, Texas',
      ['Mission: Impossible', 'Paris, Texas'],
    ],
    ['symbols belong to one-letter names', 'C++, C# and C', ['C++', 'C#']],
    [
      'function words only in capitals',
      'It is WHO; who is it? The US and IT told us',
      ['WHO', 'US', 'IT'],
    ],
    ['capitals say nothing among capitals', 'WHO IS IT THEN', []],
    ['a phrase of function words needs capitals', 'The Who, and the who', ['The Who']],
    ['bare numbers are no names', 'in 2016', []],
    ['a lower-case article stays outside', 'the New York Times', ['New York Times']],
    ['an article that is part of the name', 'The New York Times', ['The New York Times']],
  ])('%s', (_, text, expected) => {
    expect(surfaces(text)).toEqual(expected);
  });

  test('offsets are moved by the offset of the piece', () => {
    const [mention] = gazetteerMentions('in Paris', 100, NAMES);
    expect(mention).toMatchObject({ start: 103, end: 108, surface: 'Paris' });
  });

  test('each name comes with how it is written', () => {
    const names = gazetteerMentions('New York and python', 0, NAMES);
    expect(names.map(({ form }) => form)).toEqual(['phrase', 'plain']);
  });
});
