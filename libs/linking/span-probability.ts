import type { Calibration, SpanFeature } from '../model/manifest.js';
import type { Span } from '../text/span.js';
import { wordSpans } from '../text/words.js';
import type { FoundMention, Mention } from './stages.js';
import type { SurfaceForm } from './surface-form.js';

export type SpanWeights = Calibration['span'];
type Base = keyof SpanWeights['base'];

/** Probabilities nearer to 0 or 1 than this say no more. */
const SUREST = 1e-4;

const BASE_OF_FORM: Readonly<Record<SurfaceForm, Base>> = {
  phrase: 'phrase',
  coded: 'coded',
  capitalised: 'capitalised',
  'sentence-start': 'sentenceStart',
  plain: 'plain',
};

/** How likely each found span is a mention: a logistic over features that mean the same in any KB. By place. */
export function weighed(found: readonly FoundMention[], weights: SpanWeights): Mention[] {
  return withRivals(found).map(({ mention, rivals }) => ({
    start: mention.start,
    end: mention.end,
    surface: mention.surface,
    source: mention.source,
    spanProbability: spanProbability(mention, rivals, weights),
    tagProbability: mention.tagProbability,
    keyphraseness: mention.keyphraseness ?? null,
  }));
}

export interface Contested {
  readonly mention: FoundMention;
  /** The other found spans that it overlaps. */
  readonly rivals: readonly FoundMention[];
}

/** Every mention, given by place, with those that overlap it. */
export function withRivals(found: readonly FoundMention[]): Contested[] {
  const rivals = found.map((): FoundMention[] => []);
  found.forEach((mention, at) => {
    for (let next = at + 1; next < found.length; next++) {
      const other = found[next];
      if (other === undefined || other.start >= mention.end) break;
      rivals[at]?.push(other);
      rivals[next]?.push(mention);
    }
  });
  return found.map((mention, at) => ({ mention, rivals: rivals[at] ?? [] }));
}

function spanProbability(
  mention: FoundMention,
  rivals: readonly FoundMention[],
  { base, weights }: SpanWeights,
): number {
  let sum = base[baseOf(mention)];
  const features = spanFeatures(mention, rivals);
  for (const [name, value] of Object.entries(features) as [SpanFeature, number][]) {
    sum += (weights[name] ?? 0) * value;
  }
  return 1 / (1 + Math.exp(-sum));
}

export function baseOf({ form, source }: FoundMention): Base {
  if (form !== null) return BASE_OF_FORM[form];
  return source === 'tagger' ? 'tagger' : 'compromise';
}

/**
 * - `tagged`: log-odds of the tagger's probability of exactly this span; `inside`: the mean one of being in a mention;
 * - `rival`: the highest probability that the tagger gives to an overlapping span;
 * - `words`, `chars`: logarithms of its size;
 * - `inLonger`: it lies within another found span; `overlaps`: it shares text with another and does not lie within it;
 * - `learned`: labelled texts have the surface; `seen`: log(1 + how often); `marked`: the share as a mention there.
 */
export function spanFeatures(
  mention: FoundMention,
  rivals: readonly FoundMention[],
): Record<SpanFeature, number> {
  const { surface, tagProbability, insideProbability, keyphraseness } = mention;
  const { seen, marked } = keyphraseness ?? { seen: 0, marked: 0 };
  return {
    tagged: tagProbability === null ? 0 : logOdds(tagProbability),
    inside: insideProbability ?? 0,
    rival: Math.max(0, ...rivals.map((rival) => rival.tagProbability ?? 0)),
    words: Math.log(Math.max(1, wordSpans(surface).length)),
    chars: Math.log(surface.length),
    inLonger: Number(rivals.some((rival) => isWithin(mention, rival))),
    overlaps: Number(rivals.some((rival) => !isWithin(mention, rival))),
    learned: Number(seen > 0),
    seen: Math.log1p(seen),
    marked: marked / (seen + 1),
  };
}

function logOdds(probability: number): number {
  const bounded = Math.min(1 - SUREST, Math.max(SUREST, probability));
  return Math.log(bounded / (1 - bounded));
}

function isWithin(inner: Span, outer: Span): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}
