import { describe, expect, test } from '@jest/globals';
import type { NameHit } from '../kb/kb-store.js';
import { aliasHits, lexicalQuery } from './retrieve.js';

const mention = (surface: string) => ({
  start: 0,
  end: surface.length,
  surface,
  source: 'given' as const,
  spanProbability: 1,
  tagProbability: null,
});
const hit = (key: number): NameHit => ({ key, isTitle: true, prior: null });

describe('aliasHits', () => {
  const named = new Map([
    ['runs', [hit(1)]],
    ['run', [hit(2), hit(3)]],
    ['bodies', []],
    ['bodie', [hit(5)]],
    ['body', [hit(4), hit(5)]],
  ]);

  test.each([
    ['the name as it stands shuts out its base forms', 'Runs', [1]],
    ['else all base forms, each entity once', 'bodies', [4, 5]],
    ['no name, no hit', 'xyz', []],
  ])('%s', (_, surface, keys) => {
    expect(aliasHits(mention(surface), named).map(({ key }) => key)).toEqual(keys);
  });
});

describe('lexicalQuery', () => {
  test('the words of the mention, and twelve either side', () => {
    const words = Array.from({ length: 20 }, (_, at) => `w${at}`);
    const text = `${words.join(' ')} New York, ${words.join(' ')}`;
    const start = text.indexOf('New');
    const query = lexicalQuery(text, { start, end: start + 8 });
    expect(query.mention).toEqual(['new', 'york']);
    expect(query.context).toEqual([...words.slice(8), ...words.slice(0, 12)]);
  });
});
