import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Evaluation } from '../../libs/evaluation/evaluate.js';
import type { DocumentOutcome } from '../../libs/evaluation/outcome.js';
import { Tally } from '../../libs/evaluation/tally.js';
import { accuracyPage } from './page.js';
import type { MeasuredWorld, Results } from './page/results.js';

const matches = { right: 3, predicted: 4, gold: 5 };

/** Of four mentions three are right; one more is NIL and said to be. */
function evaluation(): Evaluation {
  const mention = { gold: 'linkable', retrievedAt: 0, decidedNil: false, confidence: 0.7 } as const;
  const document: DocumentOutcome = {
    mentions: [
      ...[0, 0, 0, 1].map((rerankedAt) => ({ ...mention, rerankedAt, pairsScored: 2 })),
      { ...mention, gold: 'nil', retrievedAt: null, rerankedAt: null, decidedNil: true, pairsScored: 0 }, // prettier-ignore
    ],
    ...{ linkedMentions: 5, pairsScored: 8 },
    timings: { detect: 0, encode: 0, retrieve: 0, rerank: 0, decide: 0 },
    detection: { offered: matches, spans: matches, links: matches },
  };
  const tally = new Tally();
  tally.add(document);
  const settings: Evaluation['settings'] = {
    ...{ file: 'f', mentions: 'given', rerank: 'adaptive', priors: true, limit: null, seed: 1 },
    ...{ available: 5, drawn: 5 },
  };
  return { ...tally.figures(), verdicts: { right: 4 }, settings, versions: null };
}

const both = () => ({ plain: evaluation(), learned: evaluation() });

const world = (name: string, more: Partial<MeasuredWorld> = {}): MeasuredWorld => ({
  ...{ world: name, entities: 12_345, retrieval: both(), adaptive: both(), detected: null },
  small: { adaptive: evaluation(), full: evaluation() },
  baselines: { exactName: 0.5, bm25: [0.1, 0.2, 0.3, 0.4] },
  peers: null,
  ...more,
});

const results = (worlds: readonly MeasuredWorld[]): Results => ({
  sizes: { retrieval: 1_000, rerank: 400, full: 60, detected: 400, seed: 1 },
  worlds,
  nil: [{ world: 'rpg', removed: 7, adaptive: evaluation() }],
  namesakes: { entities: 900, given: evaluation(), detected: evaluation() },
  demo: { given: evaluation(), detected: evaluation() },
});

describe('the accuracy page', () => {
  let page = '';
  beforeAll(() => {
    page = accuracyPage(results([world('mdn'), world('craft', { detected: both() })]));
  });
  const rowsOf = (name: string) => page.split('\n').filter((line) => line.startsWith(`| ${name} `));

  it('has v0 beside now, the mean, and aims with their distance', () => {
    expect(rowsOf('mdn').join('\n')).toMatch(/\.811 \/ .*1\.000 \/ .*\.988 \(\+1\.2\)/);
    expect(page).toMatch(/\.903 .* ¹/); // craft, in a cut KB
    expect(page).toMatch(/\*\*mean\*\*.*\.750.*\.905 \(−15\.5\)/);
  });

  it('counts aims, and lists those that are missed', () => {
    expect(page).toMatch(/\d+ of 13 are reached\. Not reached:/);
    expect(page).toMatch(/\| mdn: accuracy +\| \.880 \| \.750/);
    expect(page).not.toMatch(/\| mdn: recall at 100 +\|/);
  });

  it('has detected mentions of the worlds whose every mention is marked', () => {
    const section = page.slice(page.indexOf('## Does it find'), page.indexOf('## Does it say'));
    expect(section).toMatch(/\| craft +\| yes +\| 1 +\| 5 +\| \.750 \/ \.600 \/ \.667/);
    expect(section).not.toContain('mdn');
  });

  it('says which command measures the peers, until they are measured', () => {
    expect(page).toContain('`npm run bench:peers` does it');
    const peers = {
      ...{ sample: '', mentions: 4, miniLm: null },
      crossEncoder: { accuracy: 0.61, pairsPerMention: 16, trainMentions: 900, trainPairs: 4_500 },
    };
    const measured = accuracyPage(
      results([world('mdn', { peers: { ...peers, charTrigrams: [0.2, 0.3, 0.4, 0.5] } })]),
    );
    expect(measured).toContain('4,500 pairs of 900 mentions');
    expect(measured).toContain('.610');
  });
});
