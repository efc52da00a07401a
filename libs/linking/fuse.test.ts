import { describe, expect, test } from '@jest/globals';
import { CALIBRATION } from '../../test/support/calibration.js';
import { fuse, MAX_CANDIDATES, type Found } from './fuse.js';

const { ranking } = CALIBRATION;
const WEIGHTS = {
  ranking: {
    ...ranking,
    retrieval: { ...ranking.retrieval, exactTitle: 0.2, exactAlias: 0.05, bm25: 0.1, prior: 0.3 },
    fused: { ...ranking.fused, exactAlias: 2 },
  },
};
const NOTHING: Found = {
  dense: { keys: [], cosines: new Float32Array(0) },
  aliases: [],
  lexical: [],
  priorMentions: 0,
};

const dense = (cosines: Record<number, number>) => ({
  keys: Object.keys(cosines).map(Number),
  cosines: Float32Array.from(Object.values(cosines)),
});
const alias = (key: number, prior: number | null = null) => ({ key, isTitle: false, prior });
const unknown = () => Float32Array.from([]);

describe('fuse', () => {
  test('weighs similarity, exact names, BM25 and prior as the manifest says', () => {
    const found = {
      ...NOTHING,
      dense: dense({ 1: 0.5, 2: 0.25 }),
      aliases: [alias(2, 0.5)],
      lexical: [
        { key: 1, bm25: 9 },
        { key: 2, bm25: 7 },
      ],
    };
    const [first, second] = fuse(found, WEIGHTS, unknown);
    expect(first).toMatchObject({ key: 1, lexicalRank: 0, exactAlias: false, prior: null });
    expect(first?.retrievalScore).toBeCloseTo(0.5 + 0.1 / 3, 6);
    expect(second).toMatchObject({ key: 2, lexicalRank: 1, exactAlias: true, prior: 0.5 });
    expect(second?.retrievalScore).toBeCloseTo(0.25 + 0.05 + 0.1 / 4 + 0.3 * 0.5, 6);
    expect(second?.evidenceScore).toBeCloseTo(22 * 0.25 + 2, 6);
    expect(second?.sources).toEqual(['dense', 'alias', 'lexical']);
  });

  test('a title counts as a title, not as an alias too', () => {
    const aliases = [{ key: 1, isTitle: true, prior: null }];
    const [first] = fuse({ ...NOTHING, dense: dense({ 1: 0.5 }), aliases }, WEIGHTS, unknown);
    expect(first).toMatchObject({ exactTitle: true, exactAlias: true });
    expect(first?.retrievalScore).toBeCloseTo(0.5 + 0.2, 6);
  });

  test('where priors are known, what no label names is held against a candidate', () => {
    const weights = { ...ranking.retrieval, logPrior: 1 };
    const calibration = { ranking: { ...ranking, retrieval: weights } };
    const found = { ...NOTHING, dense: dense({ 1: 0.5, 2: 0.5 }), aliases: [alias(2, 0.75)] };
    const [first, second] = fuse({ ...found, priorMentions: 3 }, calibration, unknown);
    expect(first?.retrievalScore).toBeCloseTo(0.5 + Math.log(0.75 + 0.05 / 4), 6);
    expect(second?.retrievalScore).toBeCloseTo(0.5 + Math.log(0.05 / 4), 6);
  });

  test('what only words found gets its true cosine, and a rank no lower than the dense list ends', () => {
    const asked: number[] = [];
    const cosinesOf = (keys: readonly number[]) => {
      asked.push(...keys);
      return Float32Array.from(keys, (key) => key / 8);
    };
    const found = {
      ...NOTHING,
      dense: dense({ 1: 0.625, 2: 0.5 }),
      aliases: [alias(6), alias(1)],
      lexical: [{ key: 3, bm25: 1 }],
    };
    const candidates = fuse(found, WEIGHTS, cosinesOf);
    expect(asked).toEqual([6, 3]);
    expect(candidates.map(({ key, cosine, sources }) => [key, cosine, sources])).toEqual([
      [6, 0.75, ['alias']],
      [1, 0.625, ['dense', 'alias']],
      [3, 0.375, ['lexical']],
      [2, 0.5, ['dense']],
    ]);
    expect(candidates[2]?.retrievalScore).toBeCloseTo(0.5 + 0.1 / 3, 6);
  });

  test('where the surface was learned, what it never meant has the prior 0', () => {
    const found = { ...NOTHING, dense: dense({ 1: 0.5, 2: 0.4 }), aliases: [alias(2, 0.75)] };
    const known = fuse({ ...found, priorMentions: 3 }, WEIGHTS, unknown);
    expect(known.map(({ key, prior, priorMentions }) => [key, prior, priorMentions])).toEqual([
      [2, 0.75, 3],
      [1, 0, 3],
    ]);
    expect(fuse(found, WEIGHTS, unknown).at(-1)).toMatchObject({ prior: null, priorMentions: 0 });
  });

  test('what the index does not have is left out', () => {
    const found = { ...NOTHING, aliases: [alias(5)] };
    expect(fuse(found, WEIGHTS, (keys) => Float32Array.from(keys, () => NaN))).toEqual([]);
  });

  test('at most 100, the best', () => {
    const many = Object.fromEntries(
      Array.from({ length: 130 }, (_, key) => [key + 1, 1 - key / 1000]),
    );
    const candidates = fuse({ ...NOTHING, dense: dense(many) }, WEIGHTS, unknown);
    expect(candidates.length).toBe(MAX_CANDIDATES);
    expect(candidates.at(-1)?.key).toBe(100);
  });

  test('equal scores are ordered by key', () => {
    const candidates = fuse(
      { ...NOTHING, dense: dense({ 3: 0.5, 9: 0.5, 4: 0.5 }) },
      WEIGHTS,
      unknown,
    );
    expect(candidates.map(({ key }) => key)).toEqual([3, 4, 9]);
  });
});
