import type { Evaluation } from '../../../libs/evaluation/evaluate.js';
import {
  addCounts,
  precisionRecallF1,
  type MatchCounts,
  type PrecisionRecallF1,
} from '../../../libs/evaluation/metrics.js';
import { markdown } from '../../support/markdown.js';
import { NIL_AIM } from '../aims.js';
import { aimText, share } from '../figures-text.js';
import { NAMESAKES } from '../worlds-list.js';
import type { Results } from './results.js';

const NOTHING: MatchCounts = { right: 0, predicted: 0, gold: 0 };

/** Over all worlds as one. */
export function nilOver({ nil, namesakes }: Results): PrecisionRecallF1 {
  const all = [...nil.map(({ adaptive }) => adaptive), namesakes.given];
  return precisionRecallF1(all.map((each) => each.nil ?? NOTHING).reduce(addCounts, NOTHING));
}

export function nilSection(results: Results): string {
  const { nil, namesakes } = results;
  const all = nilOver(results);
  return `## Does it say when nothing fits?

From the KB a tenth of the entities that dev mentions are taken away (by the seed), and their mentions have no right
answer but NIL. Of the small KBs, since each needs an import of its own; ${NAMESAKES} has mentions of its own with no entity.
NIL is judged as a class: precision is the share of right ones among its NIL answers.

${markdown([
  ['world', 'entities removed', 'mentions', 'NIL', 'precision', 'recall', 'F1', 'aim (points)'],
  ...nil.map(({ world, removed, adaptive }) => [world, String(removed), ...cells(adaptive)]),
  [NAMESAKES, '-', ...cells(namesakes.given)],
  [
    ...['**all as one**', '', '', '', share(all.precision), share(all.recall)],
    ...[`**${share(all.f1)}**`, aimText(NIL_AIM, all.f1)],
  ],
])}
`;
}

const cells = ({ mentions, nilGold, nil }: Evaluation): string[] => [
  ...[String(mentions), String(nilGold)],
  ...[share(nil?.precision), share(nil?.recall), share(nil?.f1), ''],
];
