import type { Evaluation } from '../../libs/evaluation/evaluate.js';
import type { PrecisionRecallF1, Ratio } from '../../libs/evaluation/metrics.js';
import { table } from './layout.js';
import { grouped } from './progress.js';

/** An evaluation for people; `--json` has more. */
export function reportFor(evaluation: Evaluation): string {
  const { settings, versions } = evaluation;
  const head =
    `${settings.file}: ${grouped(evaluation.mentions)} ${settings.mentions} mentions in ` +
    `${grouped(evaluation.documents)} documents, rerank ${settings.rerank}` +
    (settings.priors ? '' : ', without priors') +
    (settings.limit === null ? '' : `, sample of ${settings.drawn} (seed ${settings.seed})`);
  const foot =
    versions === null
      ? ''
      : `KB ${versions.kb.name} at ${versions.kb.sequence}, model ${versions.model}, index ${versions.index}\n`;
  return [head, table(rows(evaluation)), foot].join('\n');
}

function rows(evaluation: Evaluation): string[][] {
  const { recall, recallByDocument } = evaluation;
  return [
    ['', 'by mention', 'by document'],
    ...(['1', '10', '64', '100'] as const).map((k) => [
      `recall at ${k}`,
      share(recall[k]),
      share(recallByDocument[k]),
    ]),
    [
      'accuracy before reranking',
      share(evaluation.accuracyBeforeRerank),
      share(evaluation.accuracyBeforeRerankByDocument),
    ],
    ['accuracy', share(evaluation.accuracy), share(evaluation.accuracyByDocument)],
    [
      'accuracy, NIL decisions counted',
      share(evaluation.accuracyWithNil),
      share(evaluation.accuracyWithNilByDocument),
    ],
    ...nilRows(evaluation),
    ...detectionRows(evaluation),
    ['calibration error (ECE)', share(evaluation.calibration.ece), ''],
    ['pairs a mention', number(evaluation.pairsPerMention, 1), ''],
    ...Object.entries(evaluation.millisecondsPerMention).map(([step, ms]) => [
      `ms a mention, ${step}`,
      number(ms, 2),
      '',
    ]),
    ...Object.entries(evaluation.verdicts).map(([verdict, count]) => [
      `count, ${verdict}`,
      grouped(count),
      '',
    ]),
  ];
}

const nilRows = ({ nil }: Evaluation): string[][] =>
  nil === null ? [] : [['NIL P / R / F1', threeOf(nil), '']];

function detectionRows(evaluation: Evaluation): string[][] {
  const { detection, detectionByDocument, endToEnd, endToEndByDocument } = evaluation;
  if (detection === undefined || endToEnd === undefined) return [];
  return [
    ['spans P / R / F1', threeOf(detection), threeOf(detectionByDocument)],
    ['gold spans that detect offered', share(detection.offeredRecall), ''],
    ['end to end P / R / F1', threeOf(endToEnd), threeOf(endToEndByDocument)],
  ];
}

const number = (value: Ratio, digits: number): string => value?.toFixed(digits) ?? '-';
const share = (value: Ratio): string => number(value, 4);
const threeOf = (figures: PrecisionRecallF1 | undefined): string =>
  figures === undefined
    ? ''
    : `${share(figures.precision)} / ${share(figures.recall)} / ${share(figures.f1)}`;
