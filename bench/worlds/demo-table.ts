import type { Evaluation } from '../../libs/evaluation/evaluate.js';
import { markdown } from '../support/markdown.js';
import { share } from './table.js';

/** The demo's gold sentences, adaptive reranking. */
export interface DemoResult {
  readonly given: Evaluation;
  readonly detected: Evaluation;
}

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

export function demoSection({ given, detected }: DemoResult): string {
  return `## The demo's gold sentences

\`kb/demo/gold.jsonl\`: ${given.documents} sentences, ${given.mentions} mentions, ${given.nilGold} of them with no entity
in the KB; nothing was tuned on them. The KB is hard on purpose: two thirds of the linked mentions stand on a name that
several entities share. \`--rerank adaptive\`.

${markdown([
  ['figure', 'given mentions', 'detected mentions'],
  row('recall at 1', given.recall[1], detected.recall[1]),
  row('recall at 10', given.recall[10], detected.recall[10]),
  row('accuracy before reranking', given.accuracyBeforeRerank, detected.accuracyBeforeRerank),
  row('accuracy', given.accuracy, detected.accuracy),
  row('accuracy with NIL decisions counted', given.accuracyWithNil, detected.accuracyWithNil),
  row('F1 of NIL', given.nil?.f1, detected.nil?.f1),
  row('span F1', undefined, detected.detection?.f1),
  row('end-to-end precision', undefined, detected.endToEnd?.precision),
  row('end-to-end recall', undefined, detected.endToEnd?.recall),
  row('end-to-end F1', undefined, detected.endToEnd?.f1),
  row('calibration error (ECE)', given.calibration.ece, detected.calibration.ece),
])}

Mentions by what became of them:

${markdown([['', 'given', 'detected'], ...Object.keys(KINDS).map((kind) => kindRow(kind, given, detected))])}
`;
}

type Figure = number | null | undefined;

function row(name: string, given: Figure, detected: Figure): string[] {
  return [name, share(given ?? null), share(detected ?? null)];
}

function kindRow(kind: string, given: Evaluation, detected: Evaluation): string[] {
  const count = ({ verdicts }: Evaluation) =>
    String((verdicts as Readonly<Record<string, number | undefined>>)[kind] ?? 0);
  return [KINDS[kind] ?? kind, count(given), count(detected)];
}
