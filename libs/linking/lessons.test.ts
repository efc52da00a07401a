import { describe, expect, test } from '@jest/globals';
import { countLesson, lessonOf, type LessonMention } from './lessons.js';

const KEYS = new Map([
  ['nyt', 1],
  ['mercury', 2],
]);
const NAMES = new Set(['new york times', 'mercury', 'new york']);

/** A lesson from a text with mentions as `[surface](entity)`; an entity `-` is NIL. */
function lesson(marked: string) {
  const mentions: LessonMention[] = [];
  let text = '';
  let last = 0;
  for (const match of marked.matchAll(/\[([^\]]*)\]\(([^)]*)\)/g)) {
    text += marked.slice(last, match.index);
    const [whole, surface = '', id = ''] = match;
    const end = text.length + surface.length;
    mentions.push({ start: text.length, end, entityId: id === '-' ? null : id });
    text += surface;
    last = match.index + whole.length;
  }
  return lessonOf(text + marked.slice(last), mentions);
}

const count = (marked: string, names: ReadonlySet<string> | null = NAMES) =>
  countLesson(lesson(marked), { keys: KEYS, names });

describe('what a labelled text teaches', () => {
  test('is what each mention is called, NIL too', async () => {
    const { document, leftOut } = await count('[MERCURY!](mercury) saw [Atlantis](-).');
    expect(document.mentions).toEqual([
      { name: 'mercury', key: 2 },
      { name: 'atlantis', key: null },
    ]);
    expect(leftOut).toEqual([]);
  });

  test('is how often a surface occurs, and how often as a mention', async () => {
    const { document } = await count('[Mercury](mercury) and Mercury, said the New York Times.');
    expect(document.surfaces).toEqual([
      { name: 'mercury', seen: 2, marked: 1 },
      { name: 'new york times', seen: 1, marked: 0 },
    ]);
  });

  test('is nothing of what is unmarked where not all mentions are marked', async () => {
    const { document } = await count('[Mercury](mercury) and Mercury.', null);
    expect(document.surfaces).toEqual([{ name: 'mercury', seen: 1, marked: 1 }]);
  });

  test('is nothing of a name that overlaps a mention without being it', async () => {
    const { document } = await count('[The New York Times](nyt) wrote.');
    expect(document.surfaces).toEqual([{ name: 'the new york times', seen: 1, marked: 1 }]);
  });

  test('leaves out an entity that the KB does not have, but its span is a mention', async () => {
    const { document, leftOut } = await count('[Mercury](other) is here.');
    expect(document.mentions).toEqual([]);
    expect(document.surfaces).toEqual([{ name: 'mercury', seen: 1, marked: 1 }]);
    expect(leftOut.map(({ reason }) => reason)).toEqual([
      'is of "other", which the knowledge base does not have',
    ]);
  });

  test.each([
    ['white space', '[ \n](mercury)'],
    ['NUL', '[\0](mercury)'],
    ['half a surrogate pair', '[\ud800](mercury)'],
    ['a long paragraph', `[${'word '.repeat(500)}](mercury)`],
  ])('leaves out a mention that is %s', async (_, marked) => {
    const { document, leftOut } = await count(marked);
    expect([document.mentions, document.surfaces]).toEqual([[], []]);
    expect(leftOut).toHaveLength(1);
  });
});

describe('a lesson', () => {
  const span = (start: number, entityId: string | null = null) => ({ start, end: 9, entityId });

  test('is the same whatever the order of its mentions, and with one said twice', () => {
    const one = lessonOf('some text', [span(0), span(5, 'x'), span(5)]);
    const other = lessonOf('some text', [span(5), span(5, 'x'), span(0), span(0)]);
    expect(other).toEqual(one);
  });

  test('is another with other labels, and the same under an id of the writer', () => {
    expect(lessonOf('some text', [span(0)]).hash).not.toBe(lessonOf('some text', []).hash);
    expect(lessonOf('some text', [span(0)], 'a').hash).toBe(lessonOf('other', [], 'a').hash);
    expect(lessonOf('a', []).hash).not.toBe(lessonOf('a', [], 'a').hash);
  });
});
