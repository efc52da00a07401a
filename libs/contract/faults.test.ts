import { describe, expect, it } from '@jest/globals';
import { parseRequest, pointer, preview } from './faults.js';
import { RequestError } from './problem.js';
import { annotateRequest, entitiesQuery } from './requests.js';

const faultsOf = (body: unknown) => {
  try {
    parseRequest(annotateRequest, body, 'body');
  } catch (error) {
    if (error instanceof RequestError) return error.faults;
    throw error;
  }
  return [];
};

describe('parseRequest', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['no body', undefined, '', /body is empty/],
    ['a list', [], '', /is a list of 0: expected an object/],
    ['null', null, '', /is null: expected an object/],
    ['neither text nor documents', {}, '/text', /is required/],
    ['both', { text: 'a', documents: [] }, '/documents', /either `text` or `documents`/],
    ['text of another type', { text: 5 }, '/text', /is 5: expected a string/],
    ['an unknown field', { text: 'a', txt: 'b' }, '', /unknown field "txt"/],
    ['an unknown option', { text: 'a', options: { rank: 1 } }, '/options', /unknown field "rank"/],
    [
      'an unknown mode',
      { text: 'a', options: { rerank: 'x' } },
      '/options/rerank',
      /"adaptive", "full", "none"/,
    ],
    [
      'a confidence above 1',
      { text: 'a', options: { minConfidence: 2 } },
      '/options/minConfidence',
      /is 2: at most 1/,
    ],
    [
      'a confidence and a precision',
      { text: 'a', options: { minConfidence: 0.5, minPrecision: 0.9 } },
      '/options/minPrecision',
      /not both/,
    ],
    [
      'a start below 0',
      { text: 'a', mentions: [{ start: -1, end: 1 }] },
      '/mentions/0/start',
      /is -1: at least 0/,
    ],
    [
      'half an offset',
      { text: 'a', mentions: [{ start: 0.5, end: 1 }] },
      '/mentions/0/start',
      /is 0.5: expected a whole number/,
    ],
    ['a document without id', { documents: [{ text: 'a' }] }, '/documents/0/id', /is required/],
    [
      'the same id twice',
      {
        documents: [
          { id: 'a', text: '' },
          { id: 'a', text: '' },
        ],
      },
      '/documents/1/id',
      /same id/,
    ],
    [
      'mentions beside documents',
      { documents: [], mentions: [] },
      '/mentions',
      /each of `documents` has its own/,
    ],
    [
      'an own __proto__',
      JSON.parse('{"text":"a","__proto__":{}}'),
      '',
      /unknown field "__proto__"/,
    ],
  ])('refuses %s with its place', (_name, body, place, detail) => {
    expect(faultsOf(body)).toContainEqual({
      pointer: place,
      detail: expect.stringMatching(detail),
    });
  });

  it('takes an empty text, no documents, and any characters', () => {
    for (const body of [{ text: '' }, { documents: [] }, { text: '\0\ud800\u202e😀' }]) {
      expect(parseRequest(annotateRequest, body, 'body')).toEqual(body);
    }
  });

  it('lists at most 20 faults and says how many there are', () => {
    const mentions = Array.from({ length: 30 }, () => ({ start: 'a', end: 1 }));
    expect(() => parseRequest(annotateRequest, { text: 'a', mentions }, 'body')).toThrow(
      /and 29 more faults/,
    );
    expect(faultsOf({ text: 'a', mentions })).toHaveLength(20);
  });

  it('names query parameters', () => {
    const parse = () => parseRequest(entitiesQuery, { q: 'a', limit: '1000' }, 'query');
    expect(parse).toThrow('limit: is "1000": expected a whole number from 1 to 100.');
  });
});

describe('pointer', () => {
  it('escapes as RFC 6901 says', () => {
    expect(pointer(['a/b', 0, 'c~d'])).toBe('/a~1b/0/c~0d');
  });
});

describe('preview', () => {
  it('cuts long texts', () => {
    expect(preview('x'.repeat(1_000_000)).length).toBeLessThan(100);
  });
});
