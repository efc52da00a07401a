import type { Calibration } from '../model/manifest.js';
import { firstIsRight } from './confidence.js';
import { withoutOverlaps } from './overlaps.js';
import type { Decision, RankedMention } from './stages.js';

/** A mention that nothing fits holds its place only where no link wants it. */
const NIL_WEIGHT = 1e-6;

export interface DecideOptions {
  readonly calibration: Calibration;
  /** Below this a mention is NIL. */
  readonly minConfidence: number;
}

/**
 * Step 5: the rule for NIL: the confidence of the best candidate is below the threshold, or there is no
 * candidate. Of overlapping detected mentions the set with the most confidence a unit of text stays; given
 * mentions are each answered. By place.
 */
export function decide(ranked: readonly RankedMention[], options: DecideOptions): Decision[] {
  const decisions = ranked.map((mention) => decision(mention, options));
  const given = decisions.filter(isGiven);
  const detected = decisions.filter((one) => !isGiven(one));
  return given.length > 0 ? given : withoutOverlaps(detected, { spanOf, weightOf });
}

function decision(ranked: RankedMention, { calibration, minConfidence }: DecideOptions): Decision {
  const confidence = ranked.mention.spanProbability * firstIsRight(ranked, calibration);
  const first = ranked.candidates[0];
  return { ranked, key: confidence < minConfidence ? null : (first?.key ?? null), confidence };
}

function isGiven({ ranked }: Decision): boolean {
  return ranked.mention.source === 'given';
}

function spanOf({ ranked }: Decision) {
  return ranked.mention;
}

function weightOf({ ranked, key, confidence }: Decision): number {
  const length = ranked.mention.end - ranked.mention.start;
  return length * (confidence + NIL_WEIGHT) * (key === null ? NIL_WEIGHT : 1);
}
