import { describe, expect, it } from '@jest/globals';
import type { GoldDocument } from '../../libs/evaluation/gold.js';
import { entitiesToRemove, withoutEntities } from './reduced.js';

const document = (...ids: (string | null)[]): GoldDocument => ({
  ...{ id: 'd', text: 'x'.repeat(ids.length) },
  mentions: ids.map((entityId, start) => ({ start, end: start + 1, entityId })),
});

describe('a reduced KB', () => {
  it('lacks a tenth of the entities that are mentioned', () => {
    const ids = Array.from({ length: 40 }, (_, at) => `e${at}`);
    const removed = entitiesToRemove([document(...ids, null), document(...ids)], 1);
    expect(removed.size).toBe(4);
    for (const id of removed) expect(ids).toContain(id);
    expect(entitiesToRemove([document(...ids.reverse())], 1)).toEqual(removed);
  });

  it('makes their mentions NIL, and no others', () => {
    const [changed] = withoutEntities([document('a', 'b', null)], new Set(['b']));
    expect(changed?.mentions.map(({ entityId }) => entityId)).toEqual(['a', null, null]);
  });
});
