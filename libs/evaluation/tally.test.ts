import { describe, expect, it } from '@jest/globals';
import type { DocumentOutcome, MentionOutcome } from './outcome.js';
import { Tally } from './tally.js';

const mention = (some: Partial<MentionOutcome>): MentionOutcome => ({
  gold: 'linkable',
  retrievedAt: 0,
  rerankedAt: 0,
  decidedNil: false,
  confidence: 1,
  pairsScored: 0,
  ...some,
});

const document = (
  mentions: readonly MentionOutcome[],
  some: Partial<DocumentOutcome> = {},
): DocumentOutcome => ({
  mentions,
  linkedMentions: mentions.length,
  pairsScored: 0,
  timings: { detect: 0, encode: 0, retrieve: 0, rerank: 0, decide: 0 },
  detection: null,
  ...some,
});

function figuresOf(...documents: readonly DocumentOutcome[]): ReturnType<Tally['figures']> {
  const tally = new Tally();
  for (const each of documents) tally.add(each);
  return tally.figures();
}

describe('given mentions', () => {
  it('counts recall and accuracy by mention and by document', () => {
    const figures = figuresOf(
      document([
        mention({ retrievedAt: 9, rerankedAt: 0 }),
        mention({ retrievedAt: 10, rerankedAt: 10 }),
        mention({ retrievedAt: 64, rerankedAt: 64 }),
        mention({ retrievedAt: null, rerankedAt: null }),
      ]),
      document([mention({ retrievedAt: 0, rerankedAt: 1 })]),
    );
    expect(figures.recall).toEqual({ 1: 0.2, 10: 0.4, 64: 0.6, 100: 0.8 });
    expect(figures.recallByDocument).toEqual({ 1: 0.5, 10: 0.625, 64: 0.75, 100: 0.875 });
    expect(figures.accuracyBeforeRerank).toBe(0.2);
    expect(figures.accuracyBeforeRerankByDocument).toBe(0.5);
    expect(figures.accuracy).toBe(0.2);
    expect(figures.accuracyByDocument).toBe(0.125);
  });

  it('counts decisions and NIL over mentions whose gold is in the KB or NIL', () => {
    const figures = figuresOf(
      document([
        mention({}), // right
        mention({ decidedNil: true }), // the right entity first, but decided NIL
        mention({ rerankedAt: 3 }), // another entity
        mention({ gold: 'nil', retrievedAt: null, rerankedAt: null, decidedNil: true }), // right
        mention({ gold: 'nil', retrievedAt: null, rerankedAt: null }), // linked to something
        mention({ gold: 'unknown', retrievedAt: null, rerankedAt: null, decidedNil: true }),
      ]),
    );
    expect(figures).toMatchObject({ mentions: 6, linkable: 3, nilGold: 2, unknownGold: 1 });
    expect(figures.accuracy).toBeCloseTo(2 / 3, 12);
    expect(figures.accuracyWithNil).toBe(2 / 5);
    expect(figures.nil).toEqual({
      ...{ right: 1, predicted: 2, gold: 2 },
      ...{ precision: 1 / 2, recall: 1 / 2, f1: 1 / 2 },
    });
  });

  it('has no NIL figures where the gold has no NIL', () => {
    expect(figuresOf(document([mention({ decidedNil: true })])).nil).toBeNull();
  });

  it('measures calibration against whether the first candidate is right', () => {
    const figures = figuresOf(
      document([
        mention({ confidence: 0.8 }),
        mention({ confidence: 0.8, rerankedAt: 1 }),
        mention({ confidence: 0.8, gold: 'unknown', rerankedAt: null }), // nobody knows
      ]),
    );
    expect(figures.calibration.ece).toBeCloseTo(0.3, 12);
  });

  it('divides pairs and milliseconds by the mentions that were linked', () => {
    const timings = { detect: 1, encode: 2, retrieve: 4, rerank: 8, decide: 0 };
    const figures = figuresOf(
      document([mention({})], { timings, pairsScored: 6, linkedMentions: 3 }),
      document([], { timings, pairsScored: 2, linkedMentions: 1 }),
    );
    expect(figures.pairsPerMention).toBe(2);
    expect(figures.millisecondsPerMention).toEqual({
      detect: 0.5,
      encode: 1,
      retrieve: 2,
      rerank: 4,
      decide: 0,
    });
  });
});

describe('detected mentions', () => {
  const matches = (right: number, predicted: number, gold: number) => ({ right, predicted, gold });

  it('adds matches over documents', () => {
    const figures = figuresOf(
      document([], {
        detection: { offered: matches(3, 9, 4), spans: matches(2, 4, 4), links: matches(1, 3, 3) },
      }),
      document([], {
        detection: { offered: matches(1, 1, 1), spans: matches(1, 1, 1), links: matches(1, 1, 1) },
      }),
    );
    expect(figures.detection).toEqual({
      precision: 3 / 5,
      recall: 3 / 5,
      f1: 3 / 5,
      offeredRecall: 4 / 5,
    });
    expect(figures.endToEnd).toEqual({ precision: 1 / 2, recall: 1 / 2, f1: 1 / 2 });
    expect(figures.endToEndByDocument?.precision).toBeCloseTo((1 / 3 + 1) / 2, 12);
  });

  it('has no such figures for given mentions', () => {
    expect(figuresOf(document([mention({})]))).not.toHaveProperty('detection');
  });
});
