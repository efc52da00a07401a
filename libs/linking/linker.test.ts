import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { HOMONYMS } from '../../test/support/homonyms.js';
import {
  addEntities,
  temporaryCatalog,
  type TemporaryCatalog,
} from '../../test/support/small-kb.js';
import { LinkingModel } from '../model/linking-model.js';
import { linksOf } from './answer.js';
import { KnowledgeBase } from './knowledge-base.js';
import { Linker, type LinkerOptions } from './linker.js';
import { STEPS, type RerankMode } from './stages.js';

let model: LinkingModel;
let temporary: TemporaryCatalog;
let kb: KnowledgeBase;
let linker: Linker;

beforeAll(async () => {
  model = await LinkingModel.load('models/referent-v1');
  temporary = await temporaryCatalog();
  const store = await temporary.catalog.openOrCreate('homonyms');
  await addEntities(store, model, HOMONYMS);
  const derivedFolder = temporary.catalog.derivedFolder('homonyms');
  kb = await KnowledgeBase.open({ store, model: model.identity, derivedFolder });
  linker = new Linker(model, kb);
});

afterAll(async () => {
  await kb.close();
  await temporary.remove();
  await model.close();
});

/** Entity ids by surface, of the mentions in [brackets] or, without any, of those detected. */
async function linksIn(marked: string, options: LinkerOptions = {}) {
  const { text, mentions } = unmarked(marked);
  const document = mentions.length > 0 ? { text, mentions } : { text };
  const annotation = await linker.annotate(document, options);
  const links = await linksOf(text, annotation, { offsetUnit: 'utf16', candidates: false });
  return links.map(({ surface, entityId }) => [surface, entityId]);
}

function unmarked(marked: string) {
  const mentions: { start: number; end: number }[] = [];
  let text = '';
  for (const [at, part] of marked.split(/[[\]]/).entries()) {
    if (at % 2 === 1) mentions.push({ start: text.length, end: text.length + part.length });
    text += part;
  }
  return { text, mentions };
}

describe('given mentions', () => {
  test.each([
    ['[Mercury] is the planet closest to the Sun.', 'mercury-planet'],
    ['The old thermometer contained liquid [mercury], a toxic metal.', 'mercury-element'],
    ['The Romans prayed to [Mercury], the messenger of the gods.', 'mercury-god'],
    ['Volcanoes rise all over [Java], an island of Indonesia.', 'java-island'],
    [
      'She wrote the server in [Java] because it has classes and a virtual machine.',
      'java-language',
    ],
    ['The [python] squeezed its prey, a small deer, and swallowed it.', 'python-snake'],
    ['Warm water of the [Amazon] flows into the Atlantic.', 'amazon-river'],
    ['She ordered it on [Amazon], and it came the next day.', 'amazon-company'],
    ['He drove a [Jaguar] with leather seats and a V8 engine.', 'jaguar-cars'],
    ['[Jaguars] hunt at night in the rain forest.', 'jaguar-cat'],
  ])('%s', async (marked, entityId) => {
    const [[, linked] = []] = await linksIn(marked);
    expect(linked).toBe(entityId);
  });

  test('a mention that nothing in the KB fits is NIL', async () => {
    expect(await linksIn('My neighbour [Wolfgang Huber] repairs violins in Linz.')).toEqual([
      ['Wolfgang Huber', null],
    ]);
  });

  test('overlapping and repeated spans are each answered, in the order given', async () => {
    const text = 'The New York Times reports from Paris.';
    const mentions = [
      { start: 32, end: 37 },
      { start: 4, end: 18 },
      { start: 4, end: 12 },
      { start: 32, end: 37 },
    ];
    const { decisions } = await linker.annotate({ text, mentions }, { minConfidence: 0 });
    expect(decisions.map(({ ranked }) => ranked.mention.surface)).toEqual([
      'Paris',
      'New York Times',
      'New York',
      'Paris',
    ]);
    expect(decisions[0]?.key).toBe(decisions[3]?.key);
  });

  test.each([
    ['reversed', { start: 3, end: 1 }],
    ['out of range', { start: 0, end: 99 }],
    ['inside a surrogate pair', { start: 0, end: 1 }],
  ])('a span that is %s is refused', async (_, span) => {
    await expect(linker.annotate({ text: '🐍 bites', mentions: [span] })).rejects.toMatchObject({
      code: 'invalid-input',
    });
  });
});

describe('detected mentions', () => {
  test('names of the KB are found and told apart', async () => {
    const text =
      'Apple sells the iPhone. The WHO warns of mercury in thermometers, a poisonous metal.';
    const links = await linksIn(text);
    expect(links).toContainEqual(['Apple', 'apple-company']);
    expect(links).toContainEqual(['WHO', 'who']);
    expect(links).toContainEqual(['mercury', 'mercury-element']);
  });

  test('of overlapping names one is answered', async () => {
    const links = await linksIn('He reads the New York Times, a daily newspaper, every day.');
    expect(links).toEqual([['New York Times', 'new-york-times']]);
  });

  test('function words that are names only in capitals are left alone', async () => {
    expect(await linksIn('It is she who saw it, and who told us about it.')).toEqual([]);
  });

  test.each([
    ['empty text', ''],
    ['white space', ' \n\t '],
    ['emoji and odd characters', '👩‍🚀🏳️‍🌈 \u0000 \ud800 \u200f e\u0301\u0301 🐍🐍'],
  ])('%s has an answer', async (_, text) => {
    const { decisions } = await linker.annotate({ text });
    expect(decisions).toEqual([]);
  });

  test('for links alone, spans that cannot be one are dropped after detect', async () => {
    const text = 'Apple sells the iPhone, said Wolfgang Huber, and the WHO warns of mercury.';
    const options = { offsetUnit: 'utf16', candidates: false } as const;
    const all = await linker.annotate({ text });
    const few = await linker.annotate({ text }, { linksOnly: true });
    const surfaces = (annotation: typeof all) =>
      annotation.ranked.map(({ mention }) => mention.surface);
    expect(surfaces(all)).toContain('Wolfgang Huber');
    expect(surfaces(few)).not.toContain('Wolfgang Huber');
    expect(await linksOf(text, few, options)).toEqual(await linksOf(text, all, options));
  });

  test('a span without a piece is NIL', async () => {
    const mentions = [{ start: 1, end: 2 }];
    const { decisions } = await linker.annotate({ text: 'a\u0000b', mentions });
    expect(decisions[0]?.key).toBeNull();
  });
});

describe('rerank modes', () => {
  // Names whose winners lead by more than what the int8 graphs' rounding, which changes with the batch, can turn.
  const TEXT =
    'Freddie Mercury sang there. Python and Java are languages that run on a virtual machine. ' +
    'A jaguar, a large spotted cat, was seen in the forest.';

  test('adaptive finds the winner of full with fewer pairs; none scores no pair', async () => {
    const run = (rerank: RerankMode) => linker.annotate({ text: TEXT }, { rerank });
    const [adaptive, full, none] = [await run('adaptive'), await run('full'), await run('none')];
    const winners = (of: typeof full) =>
      of.decisions.map(({ ranked, key }) => [ranked.mention.surface, key]);
    expect(winners(adaptive)).toEqual(winners(full));
    expect(adaptive.pairsScored).toBeLessThan(full.pairsScored);
    expect(none.pairsScored).toBe(0);
    const logits = full.ranked.flatMap(({ candidates }) => candidates.map(({ logit }) => logit));
    expect(logits).not.toContain(null);
  });

  test('a span more doubtful than the NIL threshold is not worth a pair', async () => {
    const text = 'Wolfgang Huber repairs violins.';
    const { ranked, pairsScored } = await linker.annotate({ text }, { minConfidence: 0.99 });
    expect(ranked.map(({ mention }) => mention.surface)).toEqual(['Wolfgang Huber']);
    expect(pairsScored).toBe(0);
    expect((await linker.annotate({ text }, { minConfidence: 0 })).pairsScored).toBeGreaterThan(0);
  });

  test('the same text gives the same links', async () => {
    const [one, two] = [
      await linker.annotate({ text: TEXT }),
      await linker.annotate({ text: TEXT }),
    ];
    expect(two.decisions).toEqual(one.decisions);
  });
});

describe('what labelled texts taught', () => {
  let learning: KnowledgeBase;
  let taught: Linker;
  const surface = 'swift messenger';
  const text = `The ${surface} and Java were late.`;

  beforeAll(async () => {
    const store = await temporary.catalog.openOrCreate('learning');
    await addEntities(store, model, HOMONYMS);
    const found = await store.entities.byIds(['mercury-god', 'java-island']);
    const key = (id: string) => found.get(id)?.key ?? NaN;
    const mention = (name: string, id: string) => ({ name, key: key(id) });
    const mentions = [
      mention(surface, 'mercury-god'),
      ...Array.from({ length: 3 }, () => mention('java', 'java-island')),
    ];
    const surfaces = [
      { name: surface, marked: 1, seen: 1 },
      { name: 'java', marked: 3, seen: 12 },
    ];
    await store.learned.learn([{ hash: 'ab'.repeat(32), mentions, surfaces }]);
    const derivedFolder = temporary.catalog.derivedFolder('learning');
    learning = await KnowledgeBase.open({ store, model: model.manifest, derivedFolder });
    taught = new Linker(model, learning);
  });
  afterAll(() => learning.close());

  test('detects its names, and says how often a surface is a mention', async () => {
    const { mentions } = await taught.mentions({ text });
    expect(mentions.map((one) => [one.surface, one.keyphraseness])).toEqual([
      [surface, { marked: 1, seen: 1 }],
      ['Java', { marked: 3, seen: 12 }],
    ]);
  });

  test('is the prior of candidates, and brings in what only it names', async () => {
    const { mentions, records } = await taught.candidates({ text });
    const idsOf = (at: number) =>
      mentions[at]?.candidates.map(({ key, prior, priorMentions }) => [
        ...[records.get(key)?.id, prior, priorMentions],
      ]);
    await records.load(mentions.flatMap(({ candidates }) => candidates.map(({ key }) => key)));
    expect(idsOf(0)).toContainEqual(['mercury-god', 0.5, 1]);
    expect(idsOf(1)).toContainEqual(['java-island', 0.75, 3]);
    expect(idsOf(1)).toContainEqual(['java-language', 0, 3]);
  });

  test('does not count without priors, names for the gazetteer neither', async () => {
    const { mentions } = await taught.candidates({ text }, { priors: false });
    expect(mentions.map(({ mention }) => mention.surface)).toEqual(['Java']);
    expect(mentions[0]?.mention.keyphraseness).toBeNull();
    const candidates = mentions[0]?.candidates ?? [];
    expect(new Set(candidates.map(({ prior }) => prior))).toEqual(new Set([null]));
  });
});

test('the single stages agree with annotate', async () => {
  const text = 'Java and Python are languages.';
  const { mentions } = await linker.mentions({ text });
  const retrieval = await linker.candidates({ text });
  const { ranked } = await linker.annotate({ text }, { rerank: 'none' });
  expect(retrieval.mentions.map(({ mention }) => mention)).toEqual(mentions);
  expect(ranked.map(({ candidates }) => candidates.map(({ key }) => key))).toEqual(
    retrieval.mentions.map(({ candidates }) => candidates.map(({ key }) => key)),
  );
});

test('timings of all steps and versions come with the answer', async () => {
  const { timings, versions } = await linker.annotate({ text: 'Paris' });
  expect(Object.keys(timings)).toEqual([...STEPS]);
  expect(versions).toMatchObject({
    model: model.identity.release,
    kb: { name: 'homonyms', sequence: HOMONYMS.length },
  });
});

test('an aborted call ends', async () => {
  const signal = AbortSignal.abort();
  await expect(linker.annotate({ text: 'Paris' }, { signal })).rejects.toThrow('aborted');
});

test('too many mentions are refused with the limit', async () => {
  const strict = new Linker(model, kb, { maxMentions: 1 });
  await expect(strict.annotate({ text: 'Paris and Java' })).rejects.toThrow(
    /2 mentions; at most 1/,
  );
});

describe('100,000 characters', () => {
  const sentence =
    'We saw nothing of note on that day, but in Paris it rained and nobody went out. ';
  const text = sentence.repeat(1_250);

  test('are searched for names', async () => {
    const { mentions } = await linker.mentions({ text });
    expect(mentions).toHaveLength(1_250);
  });

  test('have their given mentions linked', async () => {
    const end = text.lastIndexOf('Paris') + 5;
    const { decisions } = await linker.annotate({ text, mentions: [{ start: end - 5, end }] });
    expect(decisions.map(({ ranked }) => ranked.mention.surface)).toEqual(['Paris']);
  });
});
