import { markdown } from '../support/markdown.js';
import {
  AIMS,
  DEMO_AIMS,
  DETECTION_AIMS,
  ECE_AIM,
  isReached,
  NIL_AIM,
  type Aimed,
} from './aims.js';
import { share } from './figures-text.js';
import { baselinesSection } from './page/baselines-table.js';
import { confidenceSection, pooledEce } from './page/confidence-table.js';
import { demoSection } from './page/demo-table.js';
import { detectedSection } from './page/detected-table.js';
import { accuracySection, fullSection, retrievalSection } from './page/given-tables.js';
import { nilOver, nilSection } from './page/nil-table.js';
import { publishedSection } from './page/published-table.js';
import type { MeasuredWorld, Results } from './page/results.js';

/** docs/accuracy.md */
export function accuracyPage(results: Results): string {
  const { sizes, worlds } = results;
  return `# Accuracy on ${worlds.length} worlds

Made by \`npm run evaluate:worlds\`; do not edit. Model ${worlds[0]?.adaptive.plain.versions?.model ?? '?'}, seed ${sizes.seed}.
A world is a KB with labelled texts; measured on its dev split, which the model was not trained on (it was chosen and
calibrated by dev splits, so figures of a world of yours may be lower). Whole documents, drawn by the seed until they
hold ${sizes.retrieval} mentions for retrieval, the first ${sizes.rerank} of those for all that is reranked: where a world has that many. Every
figure is a share of mentions whose entity is in the KB, unless it says otherwise. With ${sizes.rerank} mentions a difference of
three points is within chance; the means over all worlds are firmer.

"v0" is the model before, of version 0.1.0: its figures are copied from its card and from this page as it was then, on
other mentions of the same splits. ¹: measured in a KB cut to 20,000 entities, which is easier than the whole KB of
now. "namesakes" is no world of the mean: texts written by hand about entities that share a name, and only names that no
training text had.

${aimsSection(results)}
${retrievalSection(results)}
${accuracySection(results)}
${fullSection(results)}
${confidenceSection(results)}
${detectedSection(results)}
${nilSection(results)}
${demoSection(results)}
${baselinesSection(results)}
${publishedSection()}`;
}

function aimsSection(results: Results): string {
  const aims = aimsOf(results);
  const missed = aims.filter((aim) => !isReached(aim));
  const head = `## Aims\n\nSet before it was measured: ${aims.length - missed.length} of ${aims.length} are reached.`;
  if (missed.length === 0) return `${head}\n`;
  return `${head} Not reached:

${markdown([
  ['figure', 'aim', 'reached'],
  ...missed.map(({ what, aim, reached }) => [what, share(aim), share(reached)]),
])}
`;
}

function aimsOf(results: Results): Aimed[] {
  const { worlds, demo } = results;
  const ece = { aim: ECE_AIM, isUpperBound: true };
  const eceOf = (which: 'plain' | 'learned') =>
    pooledEce(worlds.map(({ adaptive }) => adaptive[which]));
  const { endToEnd } = demo.detected;
  return [
    ...worlds.flatMap(worldAims),
    { what: 'calibration error, all worlds', reached: eceOf('plain'), ...ece },
    { what: 'calibration error, all worlds, learned', reached: eceOf('learned'), ...ece },
    { what: 'F1 of NIL, all worlds', aim: NIL_AIM, reached: nilOver(results).f1 },
    { what: 'demo: accuracy, given', aim: DEMO_AIMS.given, reached: demo.given.accuracy },
    { what: 'demo: F1, detected', aim: DEMO_AIMS.detected, reached: endToEnd?.f1 ?? null },
  ];
}

function worldAims({ world, retrieval, adaptive, detected }: MeasuredWorld): Aimed[] {
  const aims = AIMS[world];
  const reached = {
    accuracy: adaptive.plain.accuracy,
    learned: adaptive.learned.accuracy,
    recall: retrieval.plain.recall[100],
  };
  const given = (['recall', 'accuracy', 'learned'] as const).flatMap((name) => {
    const aim = aims?.[name];
    const what = { recall: 'recall at 100', accuracy: 'accuracy', learned: 'accuracy, learned' };
    return aim === undefined
      ? []
      : [{ what: `${world}: ${what[name]}`, aim, reached: reached[name] }];
  });
  return [...given, ...detectionAims(world, detected)];
}

/** With what the train split taught. */
function detectionAims(world: string, detected: MeasuredWorld['detected']): Aimed[] {
  const aims = DETECTION_AIMS[world];
  if (aims === undefined || detected === null) return [];
  const { detection, endToEnd } = detected.learned;
  return [
    { what: `${world}: F1 of spans, learned`, aim: aims.spans, reached: detection?.f1 ?? null },
    { what: `${world}: F1 of links, learned`, aim: aims.links, reached: endToEnd?.f1 ?? null },
  ];
}
