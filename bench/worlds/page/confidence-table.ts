import { markdown } from '../../support/markdown.js';
import type { CalibrationBin } from '../../../libs/evaluation/calibration.js';
import type { Evaluation } from '../../../libs/evaluation/evaluate.js';
import { ECE_AIM } from '../aims.js';
import { aimText, meanOf, oneDigit, share } from '../figures-text.js';
import { V0 } from '../v0-figures.js';
import { NAMESAKES } from '../worlds-list.js';
import type { Results } from './results.js';

/** The calibration error of several samples as if they were one. */
export function pooledEce(evaluations: readonly Evaluation[]): number | null {
  const all = evaluations.map(({ calibration }) => calibration.bins);
  const mentions = all.flat().reduce((sum, bin) => sum + bin.mentions, 0);
  if (mentions === 0) return null;
  const gaps = (all[0] ?? []).map((_, at) =>
    Math.abs(all.reduce((sum, bins) => sum + excess(bins[at]), 0)),
  );
  return gaps.reduce((sum, gap) => sum + gap, 0) / mentions;
}

/** How many more right answers a bin's confidence promises than there are. */
function excess(bin: CalibrationBin | undefined): number {
  if (bin === undefined) return 0;
  return bin.mentions * ((bin.meanConfidence ?? 0) - (bin.accuracy ?? 0));
}

export function confidenceSection({ worlds, namesakes: { given } }: Results): string {
  const plain = worlds.map(({ adaptive }) => adaptive.plain);
  const learned = worlds.map(({ adaptive }) => adaptive.learned);
  const pairsOf = (evaluations: readonly Evaluation[]) =>
    meanOf(evaluations.map(({ pairsPerMention }) => pairsPerMention));
  return `## Is the confidence true, and what does it cost?

Calibration error (ECE, ten bins): how far confidence and the share of right answers lie apart on average. Then how
many candidates the cross-encoder reads for a mention: the better part of the time.

${markdown([
  ['world', 'v0: ECE', 'ECE', 'ECE, learned', 'pairs a mention', 'pairs a mention, learned'],
  ...worlds.map(({ world, adaptive }) => [
    ...[world, share(V0[world]?.ece)],
    ...[share(adaptive.plain.calibration.ece), share(adaptive.learned.calibration.ece)],
    ...[oneDigit(adaptive.plain.pairsPerMention), oneDigit(adaptive.learned.pairsPerMention)],
  ]),
  [
    ...['**all as one**', '', `**${share(pooledEce(plain))}**`, `**${share(pooledEce(learned))}**`],
    ...[oneDigit(pairsOf(plain)), oneDigit(pairsOf(learned))],
  ],
  ['aim (points)', '', aimText(ECE_AIM, pooledEce(plain)), aimText(ECE_AIM, pooledEce(learned)), '', ''], // prettier-ignore
  [NAMESAKES, '-', share(given.calibration.ece), '-', oneDigit(given.pairsPerMention), '-'],
])}
`;
}
