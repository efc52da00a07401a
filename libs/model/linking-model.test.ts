import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import type { Span } from '../text/span.js';
import type { EntityText } from './entity-text.js';
import { LinkingModel } from './linking-model.js';

const FOLDER = 'models/referent-v0';

interface Golden {
  readonly contexts: readonly {
    readonly text: string;
    readonly pieces: readonly number[];
    readonly mentions: readonly (Span & { text: string; firstPiece: number; endPiece: number })[];
    readonly windows: readonly {
      readonly mentions: readonly {
        readonly mention: number;
        readonly vector: readonly number[];
        readonly vectorInt8: readonly number[];
      }[];
    }[];
  }[];
  readonly entities: readonly {
    readonly entity: EntityText;
    readonly vector: readonly number[];
    readonly vectorInt8: readonly number[];
  }[];
  readonly pairs: readonly {
    readonly context: number;
    readonly mention: number;
    readonly entity: number;
    readonly logit: number;
    readonly logitInt8: number;
  }[];
}

let model: LinkingModel;
let golden: Golden;

beforeAll(async () => {
  golden = JSON.parse(await readFile(`${FOLDER}/golden.json`, 'utf8')) as Golden;
  model = await LinkingModel.load(FOLDER);
});

afterAll(() => model.close());

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no item ${index}`);
  return item;
}

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

const row = (matrix: Float32Array, index: number) =>
  matrix.subarray(index * 384, (index + 1) * 384);

describe('against the golden file', () => {
  test('mention vectors: the same graphs above .999, the fp32 model above .99', async () => {
    for (const { text, mentions, windows } of golden.contexts) {
      const vectors = await model.encodeMentions(model.tokenize(text), mentions);
      expect(vectors.length).toBe(mentions.length * 384);
      for (const expected of windows.flatMap((window) => window.mentions)) {
        const ours = row(vectors, expected.mention);
        expect(cosine(ours, expected.vectorInt8)).toBeGreaterThan(0.999);
        expect(cosine(ours, expected.vector)).toBeGreaterThan(0.99);
        expect(Math.hypot(...ours)).toBeCloseTo(1, 4);
      }
    }
  });

  test('entity vectors', async () => {
    for (const expected of golden.entities) {
      const vector = await model.encodeEntities([expected.entity]);
      expect(vector.length).toBe(384);
      expect(cosine(vector, expected.vectorInt8)).toBeGreaterThan(0.999);
      expect(cosine(vector, expected.vector)).toBeGreaterThan(0.99);
    }
  });

  test('logits', async () => {
    for (const expected of golden.pairs) {
      const context = at(golden.contexts, expected.context);
      const span = at(context.mentions, expected.mention);
      const { entity } = at(golden.entities, expected.entity);
      const logits = await model.scorePairs(model.tokenize(context.text), [{ span, entity }]);
      expect(logits.length).toBe(1);
      expect(logits[0]).toBeCloseTo(expected.logitInt8, 1);
    }
  });
});
