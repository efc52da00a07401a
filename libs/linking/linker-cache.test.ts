import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { HOMONYMS } from '../../test/support/homonyms.js';
import {
  addEntities,
  temporaryCatalog,
  type TemporaryCatalog,
} from '../../test/support/small-kb.js';
import type { EntityRecord } from '../contract/entity.js';
import { LinkingModel } from '../model/linking-model.js';
import { ModelCache } from '../model/model-cache.js';
import { linksOf } from './answer.js';
import { KnowledgeBase } from './knowledge-base.js';
import { Linker, type LinkerOptions } from './linker.js';

/** Two models over one KB: one keeps what it computes, one does not. */
const FOLDER = 'models/referent-v1';
const TEXT = 'Freddie Mercury sang there. Python and Java are languages that run on a machine.';

let cache: ModelCache;
let keeping: LinkingModel;
let plain: LinkingModel;
let temporary: TemporaryCatalog;
let kb: KnowledgeBase;

beforeAll(async () => {
  cache = new ModelCache(1e7);
  keeping = await LinkingModel.load(FOLDER, { threads: 1, cache });
  plain = await LinkingModel.load(FOLDER, { threads: 1 });
  temporary = await temporaryCatalog();
  const store = await temporary.catalog.openOrCreate('homonyms');
  await addEntities(store, plain, HOMONYMS);
  const derivedFolder = temporary.catalog.derivedFolder('homonyms');
  kb = await KnowledgeBase.open({ store, model: plain.identity, derivedFolder });
});

afterAll(async () => {
  await kb.close();
  await temporary.remove();
  await Promise.all([keeping.close(), plain.close()]);
});

/** What the API answers, with all scores. */
async function answer(model: LinkingModel, text: string, options: LinkerOptions = {}) {
  const annotation = await new Linker(model, kb).annotate({ text }, options);
  const { pairsScored } = annotation;
  const links = await linksOf(text, annotation, {
    offsetUnit: 'utf16',
    candidates: true,
    includeNil: true,
  });
  return JSON.stringify({ links, pairsScored });
}

/** What was computed since, by the counts of the cache. */
async function computedBy(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = cache.state.misses;
  await work();
  const { tag, mentions, pairs, entity } = cache.state.misses;
  return {
    tag: tag - before.tag,
    mentions: mentions - before.mentions,
    pairs: pairs - before.pairs,
    entity: entity - before.entity,
  };
}

const FULL = { rerank: 'full' } as const;
const NOTHING = { tag: 0, mentions: 0, pairs: 0, entity: 0 };

test.each(['none', 'adaptive', 'full'] as const)(
  'a text again takes no call of the model and has the same bytes (%s)',
  async (rerank) => {
    const first = await answer(keeping, TEXT, { rerank });
    let again = '';
    const computed = await computedBy(
      async () => (again = await answer(keeping, TEXT, { rerank })),
    );
    expect(computed).toEqual(NOTHING);
    expect(again).toBe(first);
    expect(first).toBe(await answer(plain, TEXT, { rerank }));
    expect(cache.state.misses).toMatchObject({ tag: 1, mentions: 1 });
  },
);

test('the same mentions in another text are computed anew', async () => {
  const other = `${TEXT} So it is.`;
  const computed = await computedBy(() => answer(keeping, other, FULL));
  expect(computed).toMatchObject({ tag: 1, mentions: 1, entity: 0 });
  expect(computed['pairs']).toBeGreaterThan(0);
  expect(await answer(keeping, other, FULL)).toBe(await answer(plain, other, FULL));
});

test('equal texts at the same time are computed once', async () => {
  const text = 'A jaguar, a large spotted cat, was seen in Java.';
  const computed = await computedBy(() =>
    Promise.all([answer(keeping, text), answer(keeping, text), answer(keeping, text)]),
  );
  expect(computed).toMatchObject({ tag: 1, mentions: 1 });
});

test('an entity that changed is read anew, and the text is not encoded again', async () => {
  const before = await answer(keeping, TEXT, FULL);
  const changed = HOMONYMS.map((record): EntityRecord =>
    record.id === 'java-language'
      ? { ...record, description: 'A coffee that grows on an island and is drunk hot.' }
      : record,
  );
  await addEntities(kb.store, plain, changed);
  await kb.refresh();
  const computed = await computedBy(() => answer(keeping, TEXT, FULL));
  expect(computed).toMatchObject({ tag: 0, mentions: 0, entity: 1 });
  expect(computed['pairs']).toBeGreaterThan(0);
  const after = await answer(keeping, TEXT, FULL);
  expect(after).not.toBe(before);
  expect(after).toBe(await answer(plain, TEXT, FULL));
});

test('encoding entities keeps nothing and finds nothing', async () => {
  const { hits, misses, bytes } = cache.state;
  const entity = { title: 'Java', aliases: ['Jawa'], types: ['island'], description: 'An island.' };
  const encode = () => keeping.encodeEntities([entity]);
  expect(await encode()).toEqual(await encode());
  expect(cache.state).toEqual({ hits, misses, bytes });
});
