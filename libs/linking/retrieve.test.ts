import { describe, expect, test } from '@jest/globals';
import { lexicalQuery } from './retrieve.js';

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
