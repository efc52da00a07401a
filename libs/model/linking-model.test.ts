import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { at, golden, mentionSpan, MODEL_FOLDER } from '../../test/support/golden.js';
import { int8Bounds } from '../../test/support/int8.js';
import { LinkingModel } from './linking-model.js';

const D = 384;
let model: LinkingModel;

beforeAll(async () => {
  model = await LinkingModel.load(MODEL_FOLDER);
});

afterAll(() => model.close());

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}

const row = (matrix: Float32Array, index: number) => matrix.subarray(index * D, (index + 1) * D);
const entities = golden.entities.map(({ entity }) => entity);

describe('against the golden file', () => {
  test('mention vectors', async () => {
    for (const { text, mentions: spans, windows } of golden.contexts) {
      const mentions = spans.map((span) => mentionSpan(text, span));
      const vectors = await model.encodeMentions(model.tokenize(text), mentions);
      expect(vectors.length).toBe(mentions.length * D);
      for (const expected of windows.flatMap((window) => window.mentions)) {
        const ours = row(vectors, expected.mention);
        expect(cosine(ours, expected.vectorInt8)).toBeGreaterThan(int8Bounds.cosineInt8);
        expect(cosine(ours, expected.vector)).toBeGreaterThan(int8Bounds.cosine);
        expect(Math.hypot(...ours)).toBeCloseTo(1, 4);
      }
    }
  });

  test('entity vectors', async () => {
    for (const expected of golden.entities) {
      const vector = await model.encodeEntities([expected.entity]);
      expect(vector.length).toBe(D);
      expect(cosine(vector, expected.vectorInt8)).toBeGreaterThan(int8Bounds.cosineInt8);
      expect(cosine(vector, expected.vector)).toBeGreaterThan(int8Bounds.cosine);
    }
  });

  test('logits', async () => {
    for (const expected of golden.pairs) {
      const context = at(golden.contexts, expected.context);
      const span = at(context.mentions, expected.mention);
      const entity = at(entities, expected.entity);
      const pieces = model.tokenize(context.text);
      const [logit = Number.NaN, ...others] = await model.scorePairs(pieces, [{ span, entity }]);
      expect(others).toEqual([]);
      expect(Math.abs(logit - expected.logitInt8)).toBeLessThan(int8Bounds.logitInt8);
      expect(Math.abs(logit - expected.logit)).toBeLessThan(int8Bounds.logit);
    }
  });
});

describe('batches', () => {
  const { text, mentions } = at(golden.contexts, 1);
  const span = at(mentions, 0);
  const pairs = entities.map((entity) => ({ span, entity }));

  test('rows of equal entities equal the single row', async () => {
    const entity = at(entities, 0);
    const single = await model.encodeEntities([entity]);
    const batch = await model.encodeEntities([entity, entity, entity]);
    expect(batch.length).toBe(3 * D);
    for (const i of [0, 1, 2]) expect(cosine(row(batch, i), single)).toBeGreaterThan(0.99999);
  });

  // int8 activations are quantised by the range of the whole batch: rows move a little, order must not.
  test('rows of different entities stay in their places, near their single rows', async () => {
    const batch = await model.encodeEntities([...entities, ...entities.toReversed()]);
    for (const [i, entity] of [...entities, ...entities.toReversed()].entries()) {
      expect(cosine(row(batch, i), await model.encodeEntities([entity]))).toBeGreaterThan(0.985);
    }
  });

  test('logits stay in the order of their pairs', async () => {
    const pieces = model.tokenize(text);
    const batch = await model.scorePairs(pieces, [...pairs, ...pairs.toReversed()]);
    expect(batch.length).toBe(2 * pairs.length);
    for (const [i, pair] of pairs.entries()) {
      const [single = Number.NaN] = await model.scorePairs(pieces, [pair]);
      expect(Math.abs((batch[i] ?? Number.NaN) - single)).toBeLessThan(0.6);
      expect(batch[batch.length - 1 - i]).toBeCloseTo(batch[i] ?? Number.NaN, 4);
    }
  });

  test('the same request gives the same bits, whatever runs beside it', async () => {
    const alone = await model.encodeEntities(entities);
    const [beside] = await Promise.all([
      model.encodeEntities(entities),
      model.scorePairs(model.tokenize(text), pairs),
      model.encodeEntities(entities.slice(1)),
    ]);
    expect(beside).toEqual(alone);
  });

  test('nothing in, nothing out', async () => {
    const pieces = model.tokenize('');
    expect(pieces.ids.length).toBe(0);
    expect((await model.encodeEntities([])).length).toBe(0);
    expect((await model.encodeMentions(pieces, [])).length).toBe(0);
    expect((await model.scorePairs(pieces, [])).length).toBe(0);
  });

  test('a span without pieces has a row of zeros and still a logit', async () => {
    const blank = { start: 1, end: 3, surface: '  ' };
    const pieces = model.tokenize('a   b');
    const vectors = await model.encodeMentions(pieces, [blank, { start: 4, end: 5, surface: 'b' }]);
    expect(row(vectors, 0)).toEqual(new Float32Array(D));
    expect(Math.hypot(...row(vectors, 1))).toBeCloseTo(1, 4);
    const [logit] = await model.scorePairs(pieces, [{ span: blank, entity: at(entities, 0) }]);
    expect(Number.isFinite(logit)).toBe(true);
  });

  test('entities of nothing but control characters and emoji have unit vectors', async () => {
    const odd = { title: '\0', aliases: ['😀'], types: ['\u200f'], description: '\ud800' };
    const vector = await model.encodeEntities([odd]);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
  });
});

test('inference leaves the event loop free', async () => {
  const many = Array.from({ length: 200 }, (_, i) => {
    return { ...at(entities, 3), title: `Entity ${i}` };
  });
  await model.encodeEntities(many.slice(0, 10));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await model.encodeEntities(many);
  delay.disable();
  // Inference in this thread would block it for every batch, 100 ms each; single gaps are the machine's other work.
  expect(delay.percentile(90) / 1e6).toBeLessThan(20);
});

test('a long text is tokenised in turns, with the pieces of the whole', async () => {
  const text = 'Zażółć gęślą jaźń, read by many in 東京. '.repeat(10_000);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const pieces = await model.tokenizeInTurns(text);
  delay.disable();
  expect(pieces).toEqual(model.tokenize(text));
  expect(delay.count).toBeGreaterThan(2);
});
