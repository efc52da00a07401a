import type { Evaluation } from '../../../libs/evaluation/evaluate.js';
import { markdown } from '../../support/markdown.js';
import { AIMS } from '../aims.js';
import { aimText, meanOf, oneDigit, share, shares } from '../figures-text.js';
import type { NamesakesResult } from '../measure.js';
import { V0 } from '../v0-figures.js';
import { NAMESAKES } from '../worlds-list.js';
import type { MeasuredWorld, Results } from './results.js';

type Figure = number | null | undefined;

/** Recall at 1, 10, 64 and 100. */
export const recallOf = ({ recall }: Evaluation): Figure[] => [
  recall[1],
  recall[10],
  recall[64],
  recall[100],
];

/** Each column's own mean. */
export const meanRow = (rows: readonly (readonly Figure[])[]): (number | null)[] =>
  (rows[0] ?? []).map((_, column) => meanOf(rows.map((row) => row[column])));

const v0Of = (world: string) => V0[world] ?? null;
const mark = (world: string): string => (v0Of(world)?.isCut === true ? ' ¹' : '');

export function retrievalSection({ worlds, namesakes }: Results): string {
  const plain = worlds.map(({ retrieval }) => recallOf(retrieval.plain));
  const learned = worlds.map(({ retrieval }) => recallOf(retrieval.learned));
  const before = worlds.map(({ world }) => [...(v0Of(world)?.recall ?? [null])]);
  const aim = meanOf(worlds.map(({ world }) => AIMS[world]?.recall));
  const at100 = meanRow(plain).at(3);
  return `## Is the right entity among the candidates?

Recall at 1 / 10 / 64 / 100 of the merged list (vectors, exact names, BM25), before reranking: of how many mentions
the right entity is the first, among the first ten, and so on. What is not among the 100 cannot be linked. The aim is of
recall at 100; in brackets, by how many points it is passed or missed.

${markdown([
  ['world', 'entities', 'mentions', 'v0', 'now', 'with learned priors', 'aim (points)'],
  ...worlds.map(retrievalRow),
  [
    ...['**mean**', '', ''],
    ...[shares(meanRow(before)), shares(meanRow(plain)), shares(meanRow(learned))],
    aimText(aim ?? undefined, at100),
  ],
  namesakesRow(namesakes),
])}
`;
}

function retrievalRow({ world, entities, retrieval: { plain, learned } }: MeasuredWorld): string[] {
  return [
    ...[world, entities.toLocaleString('en-US'), String(plain.linkable)],
    `${shares(v0Of(world)?.recall ?? [])}${mark(world)}`,
    ...[shares(recallOf(plain)), shares(recallOf(learned))],
    aimText(AIMS[world]?.recall, plain.recall[100]),
  ];
}

const namesakesRow = ({ entities, given }: NamesakesResult): string[] => [
  ...[NAMESAKES, entities.toLocaleString('en-US'), String(given.linkable)],
  ...['-', shares(recallOf(given)), '-', ''],
];

export function accuracySection({ worlds, namesakes }: Results): string {
  const figures = worlds.map(accuracyFigures);
  const mean = meanRow(figures);
  const aims = meanRow(
    worlds.map(({ world }) => [AIMS[world]?.accuracy, AIMS[world]?.learned ?? null]),
  );
  const { given } = namesakes;
  return `## Is the first one right?

Accuracy: the share of mentions whose first candidate is the right entity, whatever its confidence. "By vectors and
words" is the order before reranking; "reranked" after the cross-encoder read the close calls (\`--rerank adaptive\`);
"learned" the same after \`referent learn\` read the world's train split. v0 had no such command: its "learned" is a prior
added by hand, without reranking.

${markdown([
  [
    ...['world', 'mentions', 'v0: by vectors and words', 'v0: reranked', 'v0: learned'],
    ...['by vectors and words', 'reranked', 'aim (points)', 'learned', 'aim (points)'],
  ],
  ...worlds.map((result, at) => [
    ...[result.world, String(result.adaptive.plain.linkable)],
    ...accuracyCells(figures[at] ?? [], AIMS[result.world] ?? {}),
  ]),
  ['**mean**', '', ...accuracyCells(mean, { accuracy: aims[0] ?? undefined })],
  [
    ...[NAMESAKES, String(given.linkable), '-', '-', '-'],
    ...[share(given.accuracyBeforeRerank), share(given.accuracy), '', '-', ''],
  ],
])}
`;
}

/** v0's three, then ours: before reranking, reranked, learned. */
function accuracyFigures({ world, adaptive: { plain, learned } }: MeasuredWorld): Figure[] {
  const v0 = v0Of(world);
  return [
    ...[v0?.before, v0?.reranked, v0?.prior],
    ...[plain.accuracyBeforeRerank, plain.accuracy, learned.accuracy],
  ];
}

function accuracyCells(
  [v0Before, v0Reranked, v0Prior, before, reranked, learned]: readonly Figure[],
  aims: { accuracy?: number | undefined; learned?: number | undefined },
): string[] {
  return [
    ...[share(v0Before), share(v0Reranked), share(v0Prior), share(before), share(reranked)],
    ...[aimText(aims.accuracy, reranked), share(learned), aimText(aims.learned, learned)],
  ];
}

export function fullSection({ worlds }: Results): string {
  const figures = worlds.map(({ small: { adaptive, full } }) => [
    ...[adaptive.accuracy, full.accuracy],
    ...[adaptive.pairsPerMention, full.pairsPerMention],
  ]);
  const cells = ([adaptive, full, pairs, allPairs]: readonly Figure[]): string[] => [
    ...[share(adaptive), share(full), difference(adaptive, full)],
    ...[oneDigit(pairs), oneDigit(allPairs)],
  ];
  return `## What does the adaptive reranker miss?

The same mentions with every candidate read by the cross-encoder (\`--rerank full\`). The samples are small: one mention is
more than a point.

${markdown([
  [
    ...['world', 'mentions', 'adaptive', 'full', 'difference (points)'],
    ...['pairs a mention: adaptive', 'full'],
  ],
  ...worlds.map(({ world, small }, at) => [
    ...[world, String(small.full.linkable), ...cells(figures[at] ?? [])],
  ]),
  ['**mean**', '', ...cells(meanRow(figures))],
])}
`;
}

function difference(adaptive: Figure, full: Figure): string {
  if (adaptive == null || full == null) return '-';
  const points = ((adaptive - full) * 100).toFixed(1);
  return points.replace(/^-0\.0$/u, '0.0').replace('-', '−');
}
