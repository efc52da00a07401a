import type { Evaluation } from '../../../libs/evaluation/evaluate.js';
import { markdown } from '../../support/markdown.js';
import { DEMO_AIMS } from '../aims.js';
import { aimText, share } from '../figures-text.js';
import { V0_DEMO } from '../v0-figures.js';
import type { Results } from './results.js';

/** What the verdicts of `referent evaluate` mean, for readers of the page. */
const KINDS: Readonly<Record<string, string>> = {
  right: 'right',
  'not-retrieved': 'the entity is not among the candidates',
  'ranked-below': 'it is, but another came first',
  'false-nil': 'it came first, but the answer was NIL',
  'false-link': 'nothing in the KB fits, but an entity was named',
  missed: 'the mention was not found',
  'wrong-span': 'found with other borders',
  spurious: 'a link where there is no mention',
};

type Figure = number | null | undefined;

export function demoSection({ demo: { given, detected } }: Results): string {
  return `## The demo's gold sentences

\`kb/demo/gold.jsonl\`: ${given.documents} sentences, ${given.mentions} mentions, ${given.nilGold} of them with no entity
in the KB; nothing was tuned on them. The KB is hard on purpose: two thirds of the linked mentions stand on a name that
several entities share. \`--rerank adaptive\`, nothing learned.

${markdown([
  ['figure', 'given: v0', 'given: now', 'detected: v0', 'detected: now', 'aim (points)'],
  ...givenRows(given),
  ...detectedRows(detected),
])}

Mentions by what became of them:

${markdown([['', 'given', 'detected'], ...Object.keys(KINDS).map((kind) => kindRow(kind, given, detected))])}
`;
}

function givenRows(now: Evaluation): string[][] {
  const v0 = V0_DEMO.given;
  const row = (name: string, before: number, figure: Figure, aim = '') => [
    ...[name, share(before), share(figure), '', '', aim],
  ];
  return [
    row('recall at 1', v0.recall1, now.recall[1]),
    row('recall at 10', v0.recall10, now.recall[10]),
    row('accuracy', v0.accuracy, now.accuracy, aimText(DEMO_AIMS.given, now.accuracy)),
    row('accuracy with NIL decisions counted', v0.withNil, now.accuracyWithNil),
    row('F1 of NIL', v0.nil, now.nil?.f1),
    row('calibration error (ECE)', v0.ece, now.calibration.ece),
  ];
}

function detectedRows(now: Evaluation): string[][] {
  const v0 = V0_DEMO.detected;
  const row = (name: string, before: number, figure: Figure, aim = '') => [
    ...[name, '', '', share(before), share(figure), aim],
  ];
  return [
    row('F1 of spans', v0.spans, now.detection?.f1),
    row('precision of links', v0.precision, now.endToEnd?.precision),
    row('recall of links', v0.recall, now.endToEnd?.recall),
    row('F1 of links', v0.f1, now.endToEnd?.f1, aimText(DEMO_AIMS.detected, now.endToEnd?.f1)),
    row('F1 of NIL', v0.nil, now.nil?.f1),
    row('calibration error (ECE)', v0.ece, now.calibration.ece),
  ];
}

function kindRow(kind: string, given: Evaluation, detected: Evaluation): string[] {
  const count = ({ verdicts }: Evaluation) =>
    String((verdicts as Readonly<Record<string, number | undefined>>)[kind] ?? 0);
  return [KINDS[kind] ?? kind, count(given), count(detected)];
}
