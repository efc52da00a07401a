import { GOALS } from '../million/goals.js';
import { cell, linesOf, type BenchRun, type Line } from './lines.js';
import type { Section } from './sections.js';

/** Sizes of the last run, and larger ones of the kept record (bench/records). */
function linesBySize(runs: readonly BenchRun[], measure: string): readonly Line[] {
  const last = linesOf(runs, 'million', { measure });
  const isNew = ({ size }: Line) => !last.some((line) => line['size'] === size);
  return [...last, ...linesOf(runs, 'million-large', { measure }).filter(isNew)].sort(
    (a, b) => Number(a['size']) - Number(b['size']),
  );
}

const million: Section = {
  title: 'From ten thousand entities to a million',
  text: () => `Generated entities with about six names each, texts in a file. The import is without encoder and index (read, check,
hash, stage, names, BM25, commit); linear where its rate stays. Vectors are mixed from the model's vectors of the demo
KB (a point between one and a near one, and noise), queries are the model's vectors of its gold mentions; recall is the share of the exact top 100 that
is found. The build is held against bare USearch on the same vectors, once each. Memory is that of \`referent serve\` after 100
requests without reranking; mapped files count in it, and the system takes those back when it needs them.
Goals: import ${GOALS.perSecond.toLocaleString('en-US')} a second, build ${GOALS.buildRatio}, memory ${GOALS.megabytes} MB, ready ${GOALS.seconds} s, retrieval ${GOALS.milliseconds} ms at recall ${GOALS.recall}.
A million takes long: \`npm run bench -- million -- --entities 1000000\`;
where \`bench/records/million-large.bench.jsonl\` holds the lines of such a run, they stand here.`,
  head: [
    'entities',
    'import a second',
    'of processor',
    'build / bare',
    'memory MB',
    'of files',
    'ready s',
    'retrieval p50 ms',
    'p99',
    'recall',
  ],
  rows: (runs) =>
    linesBySize(runs, 'import').map((line) => {
      const of = (measure: string) =>
        linesBySize(runs, measure).find(({ size }) => size === line['size']);
      return [
        cell(line, 'size'),
        cell(line, 'perSecond'),
        cell(line, 'perCpuSecond'),
        cell(of('index build'), 'ratio'),
        cell(of('memory'), 'used.resident'),
        cell(of('memory'), 'used.ofFiles'),
        cell(of('ready'), 'value'),
        cell(of('retrieval'), 'p50'),
        cell(of('retrieval'), 'p99'),
        cell(of('retrieval'), 'recall'),
      ];
    }),
};

const peers: Section = {
  title: 'Beside other linkers',
  text: (runs) => {
    const [line] = linesOf(runs, 'peers', { measure: 'speed' });
    return `By \`npm run bench:peers\`: the same documents of the dev splits with given mentions, one document at a time and in turns, the
same entities (a world, cut where it is large) and ${cell(line, 'threads')} threads each. Referent is asked over HTTP with default options. The Python
linkers are asked over a pipe. Accuracy is the share of mentions whose first candidate is right. CrossEncoder and spaCy's linker
were trained on, and \`learn\` and spaCy's priors were counted on, the same drawn texts with ${cell(line, 'trainMentions')} mentions of the train split (CrossEncoder:
MiniLM weights, one pass; spaCy: a blank pipeline, a minute, candidates by exact name); Referent's model is as shipped and was trained on train splits, these among them.
scispaCy's own generator searches approximately, ours exactly. The ratio is the median over blocks of documents of how
many times as many Referent links before \`learn\`. Memory is resident, start-up until it can be asked with everything stored beforehand.

As published, on other machines and for Wikipedia, so not to be compared with the table: ReFinED 85.2 F1 on AIDA's test set in 36.8 s, REL
83.0 in 341.6 s (result files of ELEVANT), ReLiK base 85.3 F1 in 29 s on an RTX 4090 (its README).`;
  },
  head: ['world', 'linker', 'documents a second', 'Referent / it', 'accuracy', 'mentions', 'memory MB', 'start s'],
  rows: (runs) =>
    linesOf(runs, 'peers', { measure: 'speed' }).map((line) => [
      `${cell(line, 'world')}, ${cell(line, 'entities')}`,
      cell(line, 'linker'),
      cell(line, 'documentsPerSecond', 2),
      cell(line, 'referentIsFaster', 2),
      cell(line, 'accuracy', 3),
      cell(line, 'mentions'),
      cell(line, 'residentMegabytes'),
      cell(line, 'startSeconds'),
    ]),
}; // prettier-ignore

export const SCALE_SECTIONS: readonly Section[] = [peers, million];
