import type { Evaluation } from '../../../libs/evaluation/evaluate.js';
import { markdown } from '../../support/markdown.js';
import { DETECTION_AIMS } from '../aims.js';
import { aimText, shares } from '../figures-text.js';
import { NAMESAKES } from '../worlds-list.js';
import type { Results } from './results.js';

export function detectedSection({ worlds, namesakes }: Results): string {
  const rows = worlds.flatMap(({ world, detected }) =>
    detected === null
      ? []
      : [rowOf(world, '', detected.plain), rowOf(world, 'yes', detected.learned)],
  );
  return `## Does it find the mentions itself?

Precision / recall / F1 of the links' spans, and of spans with the right entity (exact spans, entities in the KB, micro:
GERBIL's strong annotation match), in whole documents in which people marked every mention. "Learned" also learned which
words are mentions at all. In attack only links are marked, so some of what is found beyond them is right.

${markdown([
  ['world', 'learned', 'documents', 'mentions', 'spans', 'aim of F1 (points)', 'linked', 'aim of F1 (points)'], // prettier-ignore
  ...rows,
  rowOf(NAMESAKES, '', namesakes.detected),
])}
`;
}

function rowOf(world: string, learned: string, evaluation: Evaluation): string[] {
  const { detection, endToEnd } = evaluation;
  const aims = DETECTION_AIMS[world];
  return [
    ...[world, learned, String(evaluation.documents), String(goldMentions(evaluation))],
    shares([detection?.precision, detection?.recall, detection?.f1]),
    aimText(aims?.spans, detection?.f1),
    shares([endToEnd?.precision, endToEnd?.recall, endToEnd?.f1]),
    aimText(aims?.links, endToEnd?.f1),
  ];
}

/** Found or not. */
const goldMentions = ({ settings }: Evaluation): number => settings.drawn;
