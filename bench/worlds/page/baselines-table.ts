import { markdown } from '../../support/markdown.js';
import { share, shares } from '../figures-text.js';
import type { PeerFigures } from '../peers.js';
import { meanRow, recallOf } from './given-tables.js';
import type { MeasuredWorld, Results } from './results.js';

type Figure = number | null | undefined;

export function baselinesSection({ worlds, sizes }: Results): string {
  const figures = worlds.map(accuracies);
  const compared = figures.filter((row) => row.every((figure) => figure != null));
  return `## Beside simple methods and other tools, run here

Accuracy on the same mentions (at most ${sizes.rerank} a world), whole KBs, nothing learned by us. "Exact name": the first
entity of the KB's file that carries the surface as title or alias. "BM25": our own lexical query alone. "MiniLM":
all-MiniLM-L6-v2 as it comes, the mention and the text around it against "title. description".
"sentence-transformers": candidates by exact name and MiniLM, ranked by its CrossEncoder, fine-tuned from the same
MiniLM on mentions of these worlds' train splits. "Char 3-grams": scispaCy's candidate generator, TF-IDF of
character 3-grams over names. ${peersNote(worlds)}

${markdown([
  [
    ...['world', 'exact name', 'BM25', 'char 3-grams', 'MiniLM', 'sentence-transformers'],
    ...['Referent', 'pairs read: theirs', 'ours'],
  ],
  ...worlds.map((result, at) => [result.world, ...cells(figures[at] ?? []), ...pairs(result)]),
  ...(compared.length === 0 ? [] : [meanOfCompared(compared)]),
])}

Of these methods by recall at 1 / 10 / 64 / 100, ours before reranking:

${markdown([
  ['world', 'BM25', 'char 3-grams', 'MiniLM', 'Referent'],
  ...worlds.map(({ world, baselines, peers, adaptive }) => [
    ...[world, shares(baselines.bm25), recallText(peers?.charTrigrams)],
    recallText(peers?.miniLm),
    shares(recallOf(adaptive.plain)),
  ]),
])}
`;
}

function accuracies({ baselines, peers, adaptive }: MeasuredWorld): Figure[] {
  return [
    ...[baselines.exactName, baselines.bm25[0], peers?.charTrigrams?.[0], peers?.miniLm?.[0]],
    ...[peers?.crossEncoder?.accuracy, adaptive.plain.accuracy],
  ];
}

/** Columns are compared over the same worlds: those where every method was run. */
const meanOfCompared = (compared: readonly (readonly Figure[])[]): string[] => [
  ...[`**mean of ${compared.length} with all**`, ...cells(meanRow(compared)), '', ''],
];

const cells = (figures: readonly Figure[]): string[] => figures.map(share);

const pairs = ({ peers, adaptive }: MeasuredWorld): string[] => [
  peers?.crossEncoder?.pairsPerMention.toFixed(1) ?? '-',
  adaptive.plain.pairsPerMention?.toFixed(1) ?? '-',
];

const recallText = (recall: PeerFigures['miniLm'] | undefined): string =>
  recall == null ? '-' : shares(recall);

function peersNote(worlds: readonly MeasuredWorld[]): string {
  const tuned = worlds.map(({ peers }) => peers?.crossEncoder).find((each) => each != null);
  if (worlds.every(({ peers }) => peers === null)) {
    return 'Char 3-grams, MiniLM and sentence-transformers were not run on these mentions yet: `npm run bench:peers` does it.';
  }
  if (tuned == null) return 'The CrossEncoder was not run.';
  return (
    `Its budget is tiny, for a fair idea of an afternoon's start: one pass over ${tuned.trainPairs.toLocaleString('en-US')} ` +
    `pairs of ${tuned.trainMentions.toLocaleString('en-US')} mentions; ours saw far more.`
  );
}
