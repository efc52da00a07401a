import { describe, expect, test } from '@jest/globals';
import { entityRecord } from '../contract/entity.js';
import { EntityTable, type StoredEntity } from '../kb/kb-store.js';
import { linksOf, readSpans, type AnswerOptions } from './answer.js';
import { denseCandidate } from '../../test/support/calibration.js';
import type { Annotation } from './linker.js';
import { Records } from './records.js';
import type { Decision, Mention, RankedCandidate } from './stages.js';

/** Entities by key, in memory; counts how often it was asked. */
class FewEntities extends EntityTable {
  asked = 0;

  override byKeys(keys: readonly number[]): Promise<ReadonlyMap<number, StoredEntity>> {
    this.asked += 1;
    const found = keys.filter((key) => key < 100).map((key) => [key, stored(key)] as const);
    return Promise.resolve(new Map(found));
  }
  override byIds = () => Promise.resolve(new Map());
  override search = () => Promise.resolve([]);
  override async *scan(): AsyncIterable<readonly StoredEntity[]> {
    yield await Promise.resolve([]);
  }
}

const stored = (key: number): StoredEntity => ({
  key,
  contentHash: '',
  record: entityRecord.parse({
    id: `e${key}`,
    title: `Title ${key}`,
    ...(key === 1 ? { url: 'https://e/1' } : {}),
  }),
});

const TEXT = '🐍 Python and Java';
const candidate = (key: number, logit: number | null = null): RankedCandidate => ({
  ...denseCandidate(key, 0.1234567891),
  exactAlias: true,
  retrievalScore: 0.2,
  sources: ['dense', 'alias'],
  logit,
  fusedScore: 1.5,
});

function decision(surface: string, key: number | null, source: Mention['source']): Decision {
  const start = TEXT.indexOf(surface);
  const mention = {
    start,
    end: start + surface.length,
    surface,
    source,
    spanProbability: 1,
    keyphraseness: null,
    tagProbability: null,
  };
  const candidates = [candidate(1, 0.25), candidate(200), candidate(2)];
  return { ranked: { mention, candidates, pairsScored: 1 }, key, confidence: 0.98765432109 };
}

async function links(decisions: readonly Decision[], options: Partial<AnswerOptions> = {}) {
  const table = new FewEntities();
  const records = new Records(table);
  await records.load([1]);
  const annotation = { decisions, records } as unknown as Annotation;
  return linksOf(TEXT, annotation, { offsetUnit: 'utf16', candidates: false, ...options });
}

describe('linksOf', () => {
  test('a link has place, entity, rounded confidence and source', async () => {
    expect(await links([decision('Python', 1, 'given')])).toEqual([
      { start: 3, end: 9, surface: 'Python', entityId: 'e1', title: 'Title 1', confidence: 0.987654, source: 'given', url: 'https://e/1' },
    ]); // prettier-ignore
  });

  test('offsets in code points count an emoji once', async () => {
    const [link] = await links([decision('Python', 1, 'given')], { offsetUnit: 'codepoint' });
    expect([link?.start, link?.end]).toEqual([2, 8]);
  });

  test.each([
    [undefined, ['Python']],
    [true, ['Python', 'Java']],
    [false, []],
  ])(
    'NIL with includeNil %s: given ones are shown unless asked otherwise',
    async (includeNil, shown) => {
      const nils = [decision('Python', null, 'given'), decision('Java', null, 'gazetteer')];
      const answer = await links(nils, includeNil === undefined ? {} : { includeNil });
      expect(answer.map(({ surface }) => surface)).toEqual(shown);
      expect(answer.every(({ entityId, title }) => entityId === null && title === null)).toBe(true);
    },
  );

  test.each([
    [true, ['e1', 'e2']],
    [1, ['e1']],
    [0, []],
  ])('candidates: %j', async (candidates, ids) => {
    const [link] = await links([decision('Python', 1, 'given')], { candidates });
    expect(link?.candidates?.map(({ entityId }) => entityId)).toEqual(ids);
  });

  test('a candidate has all its scores, rounded', async () => {
    const [link] = await links([decision('Python', 1, 'given')], { candidates: 1 });
    expect(link?.candidates).toEqual([
      { entityId: 'e1', title: 'Title 1', cosine: 0.123457, lexicalRank: null, exactTitle: false, exactAlias: true, prior: null, priorMentions: 0,
        retrievalScore: 0.2, logit: 0.25, fusedScore: 1.5, sources: ['dense', 'alias'] },
    ]); // prettier-ignore
  });
});

test('spans in code points are read as UTF-16', () => {
  expect(readSpans(TEXT, [{ start: 2, end: 8 }], 'codepoint')).toEqual([{ start: 3, end: 9 }]);
  expect(readSpans(TEXT, [{ start: 3, end: 9 }], 'utf16')).toEqual([{ start: 3, end: 9 }]);
});

test('records are fetched once each', async () => {
  const table = new FewEntities();
  const records = new Records(table);
  await records.load([1, 2, 200]);
  await records.load([2, 1, 200]);
  expect(table.asked).toBe(1);
  expect([records.get(1)?.id, records.get(200), records.isGone(200), records.isGone(3)]).toEqual([
    'e1',
    undefined,
    true,
    false,
  ]);
});
