import { STEPS } from '../../libs/linking/stages.js';
import { cell, linesOf, type BenchRun, type Line } from './lines.js';

type Rows = (runs: readonly BenchRun[]) => readonly (readonly string[])[];

export interface Section {
  readonly title: string;
  /** What the figures are, goals, and what they do not say. */
  readonly text: (runs: readonly BenchRun[]) => string;
  readonly head: readonly string[];
  readonly rows: Rows;
}

const first = (runs: readonly BenchRun[], bench: string, fields: object): Line | undefined =>
  linesOf(runs, bench, fields)[0];

const linking: Section = {
  title: 'Linking a document of 250 words',
  text: (runs) => {
    const document = first(runs, 'linking', { measure: 'document' });
    const trunk = first(runs, 'linking', { measure: 'trunk pass' });
    const repeated = (rerank: string) => first(runs, 'linking', { measure: 'repeated', rerank });
    return `Demo KB, ${cell(document, 'words')} words (${cell(document, 'pieces')} word pieces) with ${cell(document, 'mentions')} detected mentions,
among them some that decide drops; median milliseconds by step. One pass of the bare trunk over its ${cell(document, 'windows')} overlapping windows
(${cell(document, 'computedPieces')} pieces with padding) took ${cell(trunk, 'value')} ms; the last column is the time of all steps over that of a trunk pass in the same round. Encoding
is one trunk pass and a head, so about 1 is the least that linking without
reranking can reach. \`adaptive\` is the default; \`full\` is there
for comparison and has few runs, so its figures are rough. Nothing was kept between these runs; with the cache of a server
the same text again takes ${cell(repeated('none'), 'value')} (\`none\`) and ${cell(repeated('adaptive'), 'value')} (\`adaptive\`) of its first time.`;
  },
  head: ['rerank', ...STEPS, 'all', 'pairs a mention', 'runs', 'all / trunk pass'],
  rows: (runs) =>
    linesOf(runs, 'linking', { measure: 'pairs' }).map((pairs) => {
      const { rerank } = pairs;
      const latency = (step: string) =>
        first(runs, 'linking', { measure: 'latency', rerank, step });
      return [
        String(rerank),
        ...[...STEPS, 'all'].map((step) => cell(latency(step), 'value', 1)),
        cell(pairs, 'value', 1),
        cell(latency('all'), 'runs'),
        cell(latency('all'), 'ratioToTrunkPass', 1),
      ];
    }),
};

const model: Section = {
  title: 'The model through our code and bare',
  text: () => `Items a second, through \`LinkingModel\` (tokenising, layout, batches, the inference thread, pooling) and
through a bare ONNX Runtime session that is given the same padded batches, prepared beforehand, with our session
options. The ratio is the median of alternating rounds; above 1 is possible, because laying out and computing overlap.
The last column is the ratio to a session with the runtime's default options. \`entities imported\` is a whole import into a
new KB (read, check, store, encode, index, commit) beside a bare session that only encodes.`,
  head: ['what', 'ours', 'bare', 'ratio', 'goal', 'to default options'],
  rows: (runs) =>
    [
      ...linesOf(runs, 'model', { bench: 'cross-encoder pairs' }),
      ...linesOf(runs, 'model', { bench: 'entities encoded' }),
      ...linesOf(runs, 'import', { measure: 'entities imported' }),
      ...linesOf(runs, 'reembed', { measure: 'entities re-embedded' }),
    ].map((line) => [
      line.measure ?? line.bench,
      cell(line, 'perSecond'),
      cell(line, 'barePerSecond'),
      cell(line, 'ratio', 3),
      cell(line, 'goal'),
      cell(line, 'ratioToDefaultOptions'),
    ]),
};

const startUp: Section = {
  title: 'The service with a large KB',
  text: (runs) => {
    const kb = first(runs, 'service', { measure: 'generated KB' });
    return `\`referent serve\` as a process of its own over ${cell(kb, 'entities')} entities with ${cell(kb, 'names')} names. Start-up is from
the start of the process to the first 200 of \`/health/ready\`, the files being in the system's cache. Resident memory
includes pages of mapped files (index, libraries), which the system takes back when it needs them. The entities are
generated and their vectors are random clusters: this is about opening and serving. Requests are short texts with two
names each, one client. Candidates found by random vectors are no sensible ones, so the adaptive line says little
about a real KB.`;
  },
  head: ['what', 'value', 'goal', 'ratio', 'more'],
  rows: (runs) => [
    ...linesOf(runs, 'service', { measure: 'start-up' }).map((line) =>
      serviceRow(
        'start-up',
        line,
        `${cell(line, 'cpuSeconds')} s of processor; starts: ${(line['all'] as number[]).join(', ')} s`,
      ),
    ),
    ...linesOf(runs, 'service', { measure: 'memory' }).map((line) =>
      serviceRow(
        `resident memory, ${cell(line, 'when')}`,
        line,
        `of files ${cell(line, 'ofFiles')} MB, peak ${cell(line, 'peak')} MB`,
      ),
    ),
    ...linesOf(runs, 'service', { measure: 'annotate, large KB' }).map((line) =>
      serviceRow(
        `annotate, rerank ${cell(line, 'rerank')}, p50`,
        line,
        `p99 ${cell(line, 'p99')} ms, ${cell(line, 'requests')} requests`,
      ),
    ),
  ],
};

const serviceRow = (what: string, line: Line, more: string): string[] => [
  what,
  `${cell(line, 'value')} ${cell(line, 'unit')}`,
  cell(line, 'goal') === '–' ? '–' : `${cell(line, 'goal')} ${cell(line, 'unit')}`,
  cell(line, 'ratio'),
  more,
];

const throughput: Section = {
  title: 'Requests a second',
  text: () => `\`POST /v1/annotate\` over loopback, demo KB, one short text a request, default options. A client sends
its next request when the last one is answered. One request at a time already uses all cores in the model, so the ratio
says what waiting costs, and is about 1 where nothing is lost; the clients run on the same machine and take their part.
With few requests p99 is nearly the longest one.`,
  head: ['clients', 'requests a second', 'to one client', 'p50 ms', 'p99 ms', 'requests'],
  rows: (runs) =>
    linesOf(runs, 'service', { measure: 'throughput' }).map((line) => [
      cell(line, 'clients'),
      cell(line, 'value'),
      cell(line, 'ratioToOneClient', 2),
      cell(line, 'p50', 1),
      cell(line, 'p99', 1),
      cell(line, 'requests'),
    ]),
};

const index: Section = {
  title: 'Index',
  text: (runs) => {
    const source = first(runs, 'index', { measure: 'source' });
    return `${cell(source, 'count')} vectors of ${cell(source, 'dimensions')} dimensions: ${cell(source, 'vectors')} (with REFERENT_WORLDS those of a real
KB, which takes minutes of encoding). Overlap is the share of the exact f32 neighbours that are found. The ratio of
building is that of our build, which reads from a file in a thread of its own, to bare \`add\` calls on all cores.`;
  },
  head: ['what', 'value', 'goal', 'beside'],
  rows: (runs) => {
    const line = (measure: string) => first(runs, 'index', { measure });
    const [overlap, search, rate, build, open] = ['overlap', 'search', 'build rate', 'build', 'open'].map(line);
    if (overlap === undefined && build === undefined) return [];
    return [
      ['overlap of the top 100', cell(overlap, 'top100'), '0.99', `top 10: ${cell(overlap, 'top10')}`],
      ['search, p50', `${cell(search, 'milliseconds.p50')} ms`, '–', `exact: ${cell(search, 'exactMilliseconds.p50')} ms`],
      ['search, p99', `${cell(search, 'milliseconds.p99')} ms`, '–', `exact: ${cell(search, 'exactMilliseconds.p99')} ms`],
      ['building', `${cell(build, 'vectorsPerSecond')} vectors a second`, '–', `${cell(build, 'seconds')} s in all`],
      ['building, to bare USearch', cell(rate, 'ratio'), '–', `${cell(rate, 'rows')} vectors`],
      ['opening', `${cell(open, 'milliseconds')} ms`, '–', `resident ${cell(open, 'rssMegabytes.after2000Searches')} MB after 2,000 searches`],
    ];
  }, // prettier-ignore
};

const store: Section = {
  title: 'Store',
  text: () => `An import without encoder and index (read, check, hash, stage, names, BM25, commit), and BM25 for mentions
of the dev split. A second of processor time is what other work on the machine does not change. Then the most memory
that a process had which imported generated entities: in bounded memory it grows far less than
their number.`,
  head: ['KB', 'what', 'value', 'beside'],
  rows: (runs) => [
    ...linesOf(runs, 'store', { measure: 'import', run: 'first' }).map((line) => [
      cell(line, 'kb'),
      'import',
      `${cell(line, 'entitiesA.perSecond')} entities a second`,
      `${cell(line, 'entitiesA.perCpuSecond')} a second of processor`,
    ]),
    ...linesOf(runs, 'store', { measure: 'lexical' }).map((line) => [
      cell(line, 'kb'),
      'BM25, p50',
      `${cell(line, 'milliseconds.p50')} ms`,
      `p99 ${cell(line, 'milliseconds.p99')} ms`,
    ]),
    ...linesOf(runs, 'store', { measure: 'memory' }).map((line) => [
      `${cell(line, 'lines')} generated`,
      'memory at most',
      `${cell(line, 'peakMegabytes')} MB`,
      `${cell(line, 'entitiesWithVectors.perCpuSecond')} entities a second of processor`,
    ]),
  ],
};

export const SECTIONS: readonly Section[] = [linking, model, startUp, throughput, index, store];
