import { describe, expect, test } from '@jest/globals';
import type { LearnedCount, NameHit } from '../kb/kb-store.js';
import { namedEntities } from './priors.js';

const listed = (key: number, prior: number | null = null, learned: LearnedCount | null = null) => ({
  ...{ key, isTitle: true, isListed: true, prior, learned },
});
const learned = (key: number, count: number, total: number): NameHit => ({
  ...{ key, isTitle: false, isListed: false, prior: null, learned: { count, total } },
});

/** Entities by name; the totals of names that were learned are those of the hits, or `totals`. */
function ask(
  surface: string,
  names: Readonly<Record<string, readonly NameHit[]>>,
  totals: Readonly<Record<string, number>> = {},
) {
  const mentions = Object.entries(names).flatMap(([name, hits]) => {
    const total = hits[0]?.learned?.total;
    return total === undefined ? [] : [[name, total] as const];
  });
  const all = [...mentions, ...Object.entries(totals)];
  const surfaces = all.map(
    ([name, total]) => [name, { mentions: total, marked: total, seen: total }] as const,
  );
  return namedEntities(surface, {
    hits: new Map(Object.entries(names)),
    surfaces: new Map(surfaces),
  });
}

const keysOf = ({ aliases }: ReturnType<typeof namedEntities>) => aliases.map(({ key }) => key);

describe('the entities that a surface names', () => {
  const names = {
    runs: [listed(1)],
    run: [listed(2), listed(3)],
    bodies: [],
    bodie: [listed(5)],
    body: [listed(4), listed(5)],
  };

  test.each([
    ['the name as it stands shuts out its base forms', 'Runs', [1]],
    ['else all base forms, each entity once', 'bodies', [4, 5]],
    ['no name, no hit', 'xyz', []],
  ])('%s', (_, surface, keys) => {
    expect(keysOf(ask(surface, names))).toEqual(keys);
  });

  test('a name that only labelled texts use does not shut base forms out', () => {
    expect(keysOf(ask('bodies', { ...names, bodies: [learned(9, 1, 1)] }))).toEqual([9, 4, 5]);
  });
});

describe('P(entity | surface)', () => {
  test('is the given prior where nothing was learned, and null without one', () => {
    const { aliases, priorMentions } = ask('run', { run: [listed(1, 0.7), listed(2)] });
    expect(aliases.map(({ prior }) => prior)).toEqual([0.7, null]);
    expect(priorMentions).toBe(0);
  });

  test('is the share of the mentions, with a given prior as one mention more', () => {
    const hits = [
      listed(1, 0.5, { count: 6, total: 9 }),
      listed(2, null, { count: 0, total: 9 }),
      learned(3, 3, 9),
    ];
    const { aliases, priorMentions } = ask('run', { run: hits });
    expect(aliases.map(({ prior }) => prior)).toEqual([0.65, 0, 0.3]);
    expect(priorMentions).toBe(9);
  });

  test('of a base form counts for the surface', () => {
    const { aliases, priorMentions } = ask('runs', {
      run: [listed(1, null, { count: 3, total: 3 })],
    });
    expect(aliases).toEqual([{ key: 1, isTitle: true, prior: 0.75 }]);
    expect(priorMentions).toBe(3);
  });

  test('of a base form is a given prior to what was learned of the surface itself', () => {
    const hits = { runs: [learned(2, 3, 3)], run: [listed(1, null, { count: 3, total: 3 })] };
    const { aliases, priorMentions } = ask('runs', hits);
    expect(aliases).toEqual([
      { key: 2, isTitle: false, prior: 0.75 },
      { key: 1, isTitle: true, prior: 0.75 / 4 },
    ]);
    expect(priorMentions).toBe(3);
  });

  test('a surface that was always NIL has its mentions, and names nothing', () => {
    expect(ask('atlantis', {}, { atlantis: 4 })).toEqual({ aliases: [], priorMentions: 4 });
  });
});
