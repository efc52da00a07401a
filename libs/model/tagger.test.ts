import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { goldenTags, MODEL_FOLDER } from '../../test/support/golden.js';
import { int8Bounds } from '../../test/support/int8.js';
import type { Pieces } from '../text/pieces.js';
import { nameMarks } from './layout/name-marks.js';
import { shapesOf } from './layout/word-shapes.js';
import { LinkingModel } from './linking-model.js';

let model: LinkingModel;

beforeAll(async () => {
  model = await LinkingModel.load(MODEL_FOLDER);
});

afterAll(() => model.close());

function softmax(logits: readonly number[]): number[] {
  const odds = logits.map(Math.exp);
  return odds.map((value) => value / odds.reduce((a, b) => a + b));
}

/** The spans of the KB's names that the marks were made of: 1 begins one, 2 goes on. */
function namesOf(marks: readonly number[], { starts, ends }: Pieces) {
  return marks.flatMap((mark, first) => {
    if (mark !== 1) return [];
    const rest = marks.slice(first + 1).findIndex((next) => next !== 2);
    const last = rest < 0 ? marks.length - 1 : first + rest;
    return [{ start: starts[first] ?? 0, end: ends[last] ?? 0 }];
  });
}

const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] ?? Number.NaN))));

describe('against the golden file', () => {
  test.each(goldenTags)('$text', async ({ text, ...expected }) => {
    const pieces = model.tokenize(text);
    const names = namesOf(expected.names, pieces);
    expect([...pieces.ids]).toEqual(expected.pieces);
    expect([...shapesOf(text, pieces, 0, pieces.ids.length)]).toEqual(expected.shapes);
    expect([...nameMarks(pieces, names)]).toEqual(expected.names);
    const ours = (await model.tag({ text, pieces, names })) ?? [];
    expect(difference(ours, expected.logitsInt8.flatMap(softmax))).toBeLessThan(int8Bounds.tagInt8);
    expect(difference(ours, expected.logits.flatMap(softmax))).toBeLessThan(int8Bounds.tag);
  });
});

test('a row of probabilities for every piece of a long text', async () => {
  const text = 'Ada Lovelace wrote to Charles Babbage in London. '.repeat(100);
  const pieces = model.tokenize(text);
  const tags = (await model.tag({ text, pieces, names: [] })) ?? new Float32Array(0);
  expect(tags.length).toBe(3 * pieces.ids.length);
  for (let at = 0; at < tags.length; at += 3) {
    expect(tags.slice(at, at + 3).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  }
});

test('nothing in, nothing out', async () => {
  expect(await model.tag({ text: '', pieces: model.tokenize(''), names: [] })).toHaveLength(0);
});

test('an abort ends it', async () => {
  const pieces = model.tokenize('Paris');
  const aborted = model.tag({ text: 'Paris', pieces, names: [] }, AbortSignal.abort());
  await expect(aborted).rejects.toThrow('aborted');
});
