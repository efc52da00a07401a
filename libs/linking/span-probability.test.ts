import { describe, expect, test } from '@jest/globals';
import { shippedManifest } from '../../test/support/golden.js';
import { modelManifest } from '../model/manifest.js';
import { spanFeatures, weighed, withRivals, type SpanWeights } from './span-probability.js';
import type { FoundMention } from './stages.js';

const TEXT = 'New York Minster';

function found(surface: string, more: Partial<FoundMention> = {}): FoundMention {
  const start = TEXT.indexOf(surface);
  return {
    ...{ start, end: start + surface.length, surface, source: 'gazetteer', form: 'phrase' },
    ...{ tagProbability: null, insideProbability: null, ...more },
  };
}

/** A manifest without a fit of its own. */
const { span: BY_HAND } = modelManifest.parse({
  ...shippedManifest,
  calibration: { ...shippedManifest.calibration, span: undefined },
}).calibration;

const probability = (mention: FoundMention, weights: SpanWeights) =>
  weighed([mention], weights)[0]?.spanProbability;

describe('a manifest without weights', () => {
  test.each([
    ['a name of the KB', found('New York'), 0.9],
    ['one lower-case word', found('York', { form: 'plain' }), 0.5],
    ['what only compromise found', found('York', { source: 'compromise', form: null }), 0.1],
  ])('%s', (_, mention, expected) => {
    expect(probability(mention, BY_HAND)).toBeCloseTo(expected, 3);
  });
});

describe('weights', () => {
  const weights = { ...BY_HAND, weights: { tagged: 1, marked: 2 } };

  test('the more the tagger is sure, the likelier', () => {
    const sure = probability(found('York', { tagProbability: 0.9 }), weights) ?? 0;
    const unsure = probability(found('York', { tagProbability: 0.1 }), weights) ?? 0;
    expect(sure).toBeCloseTo(1 / (1 + Math.exp(-(2.197 + Math.log(9)))), 6);
    expect(sure).toBeGreaterThan(unsure);
  });

  test('a probability of 0 or 1 leaves room for doubt', () => {
    expect(probability(found('York', { tagProbability: 0 }), weights)).toBeGreaterThan(0);
    expect(probability(found('York', { tagProbability: 1 }), weights)).toBeLessThan(1);
  });

  test('what labelled texts say counts where they say something', () => {
    const known = found('York', { keyphraseness: { marked: 9, seen: 9 } });
    const unknown = found('York', { keyphraseness: null });
    expect(spanFeatures(known, [])).toMatchObject({ learned: 1, seen: Math.log(10), marked: 0.9 });
    expect(spanFeatures(unknown, [])).toMatchObject({ learned: 0, seen: 0, marked: 0 });
    expect(probability(known, weights)).toBeGreaterThan(probability(unknown, weights) ?? 1);
  });

  test('the mention that comes out says what the tagger said, and no more', () => {
    const [mention] = weighed([found('York', { tagProbability: 0.5 })], weights);
    expect(mention).toEqual({
      ...{ start: 4, end: 8, surface: 'York', source: 'gazetteer', tagProbability: 0.5 },
      spanProbability: expect.any(Number) as unknown,
      keyphraseness: null,
    });
  });
});

test('rivals are all spans that overlap, and say where a span lies', () => {
  const city = found('New York', { tagProbability: 0.7 });
  const church = found('York Minster', { tagProbability: 0.2 });
  const york = found('York');
  const contested = withRivals([city, church, york]);
  expect(contested.map(({ rivals }) => rivals)).toEqual([
    [church, york],
    [city, york],
    [city, church],
  ]);
  expect(spanFeatures(york, [city, church])).toMatchObject({
    inLonger: 1,
    overlaps: 0,
    rival: 0.7,
  });
  expect(spanFeatures(city, [church, york])).toMatchObject({
    inLonger: 0,
    overlaps: 1,
    rival: 0.2,
  });
});
