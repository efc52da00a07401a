import type { Evaluation } from '../../libs/evaluation/evaluate.js';
import { markdown } from '../support/markdown.js';
import { CARD, type RecallRow } from './card-figures.js';

/** The evaluations of one world. */
export interface WorldResult {
  readonly world: string;
  readonly entities: number;
  /** All dev mentions, no reranking. */
  readonly all: Evaluation;
  /** The mentions of the card's sample, no reranking. */
  readonly card: Evaluation;
  /** The card's sample for its reranker, adaptive. */
  readonly reranked: Evaluation;
  /** A larger sample, adaptive; null where none was asked for. */
  readonly sample: Evaluation | null;
}

/** docs/accuracy.md */
export function accuracyPage(results: readonly WorldResult[]): string {
  const versions = results[0]?.all.versions;
  return `# Accuracy on six worlds

Made by \`npm run evaluate:worlds\`; do not edit. Dev splits, given mentions, model ${versions?.model ?? '?'}.
Every figure is a share of mentions whose entity is in the KB. The model card's figures (models/referent-v0/README.md)
were measured in Python on the same mentions: at most 1,500 of each dev split, drawn with \`random.Random(7)\`, and
120 of those for its reranker.

## Retrieval

\`--rerank none\`: recall at 1 / 10 / 64 / 100 of the merged list (dense, exact name, BM25). Difference: points
against the card's hybrid.

${markdown([
  ['world', 'entities', 'mentions', 'card: dual', 'card: hybrid', 'here', 'difference'],
  ...results.map(retrievalRow),
])}

The same over all mentions of the dev split, and accuracy by document:

${markdown([
  ['world', 'mentions', 'recall', 'accuracy', 'by document', 'ECE'],
  ...results.map(allRow),
])}

## Reranking

\`--rerank adaptive\`. The card reranked the first 8 of each list with a fusion weight chosen on each world; here the
weight is the manifest's, one for all. 120 mentions: a point is about one mention, so differences up to three points
say nothing.

${markdown([
  [
    'world',
    'mentions',
    'card: before',
    'card: first 8',
    'here: before',
    'here: adaptive',
    'pairs a mention',
  ],
  ...results.map(rerankRow),
])}
${sampleSection(results)}`;
}

function retrievalRow({ world, entities, card }: WorldResult): string[] {
  const figures = CARD[world];
  const here = recallOf(card);
  return [
    world,
    entities.toLocaleString('en-US'),
    String(card.linkable),
    figures === undefined ? '' : recallText(figures.dual),
    figures === undefined ? '' : recallText(figures.hybrid),
    recallText(here),
    figures === undefined ? '' : differences(here, figures.hybrid),
  ];
}

function allRow({ world, all }: WorldResult): string[] {
  return [
    world,
    String(all.linkable),
    recallText(recallOf(all)),
    share(all.accuracy),
    share(all.accuracyByDocument),
    share(all.calibration.ece),
  ];
}

function rerankRow({ world, reranked }: WorldResult): string[] {
  const figures = CARD[world]?.reranked;
  return [
    world,
    String(reranked.linkable),
    figures === undefined ? '' : share(figures.hybrid),
    figures === undefined ? '' : share(figures.fused[2]),
    share(reranked.accuracyBeforeRerank),
    share(reranked.accuracy),
    reranked.pairsPerMention?.toFixed(1) ?? '',
  ];
}

function sampleSection(results: readonly WorldResult[]): string {
  const rows = results.flatMap(({ world, sample }) =>
    sample === null ? [] : [sampleRow(world, sample)],
  );
  if (rows.length === 0) return '';
  const header = ['world', 'mentions', 'before', 'adaptive', 'ECE', 'pairs a mention'];
  return `\nOn a larger sample of the dev split (seed in the JSON output):\n\n${markdown([header, ...rows])}\n`;
}

const sampleRow = (world: string, sample: Evaluation): string[] => [
  world,
  String(sample.linkable),
  share(sample.accuracyBeforeRerank),
  share(sample.accuracy),
  share(sample.calibration.ece),
  sample.pairsPerMention?.toFixed(1) ?? '',
];

function recallOf({ recall }: Evaluation): RecallRow {
  return [recall[1] ?? 0, recall[10] ?? 0, recall[64] ?? 0, recall[100] ?? 0];
}

export const share = (value: number | null): string => value?.toFixed(3).replace(/^0/, '') ?? '-';
const recallText = (row: RecallRow): string => row.map(share).join(' / ');

const differences = (here: RecallRow, there: RecallRow): string =>
  here.map((value, at) => points((value - (there[at] ?? 0)) * 100)).join(' / ');

function points(difference: number): string {
  const size = Math.abs(difference).toFixed(1);
  if (size === '0.0') return size;
  return `${difference > 0 ? '+' : '−'}${size}`;
}
