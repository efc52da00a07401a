import { describe, expect, it } from '@jest/globals';
import type { GoldDocument } from '../../libs/evaluation/gold.js';
import { draw } from './draw.js';

const document = (at: number, mentions: number): GoldDocument => ({
  id: `d${at}`,
  text: 'x'.repeat(mentions),
  mentions: Array.from({ length: mentions }, (_, start) => ({
    ...{ start, end: start + 1, entityId: 'e' },
  })),
});

const documents = Array.from({ length: 20 }, (_, at) => document(at, at % 5));
const sizeOf = (drawn: readonly GoldDocument[]) =>
  drawn.reduce((sum, { mentions }) => sum + mentions.length, 0);

describe('a drawn sample', () => {
  it('holds so many mentions, in whole documents but for the last one', () => {
    const drawn = draw(documents, { limit: 17, seed: 1 });
    expect(sizeOf(drawn)).toBe(17);
    for (const { id, mentions } of drawn.slice(0, -1)) {
      expect(documents.find((each) => each.id === id)?.mentions).toEqual(mentions);
    }
  });

  it('begins as a smaller one does', () => {
    const small = draw(documents, { limit: 6, seed: 1 });
    const large = draw(documents, { limit: 30, seed: 1 });
    expect(large.slice(0, small.length - 1)).toEqual(small.slice(0, -1));
    const last = small.at(-1);
    expect(large[small.length - 1]?.mentions.slice(0, last?.mentions.length)).toEqual(
      last?.mentions,
    );
  });

  it('is all that there is where there is less, without documents that have no mention', () => {
    const drawn = draw(documents, { limit: 1_000, seed: 1 });
    expect(sizeOf(drawn)).toBe(40);
    expect(drawn).toHaveLength(16);
  });

  it('depends on the seed', () => {
    const ids = (seed: number) => draw(documents, { limit: 10, seed }).map(({ id }) => id);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });
});
