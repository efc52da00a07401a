import { markdown } from '../support/markdown.js';
import { cell, linesOf, type BenchRun } from './lines.js';
import { SCALE_SECTIONS } from './scale-sections.js';
import { SECTIONS, type Section } from './sections.js';
import { SERVICE_SECTIONS } from './service-sections.js';

/** docs/performance.md */
export function performancePage(runs: readonly BenchRun[]): string {
  return `# Speed and memory

Made by \`npm run bench\`; do not edit. ${machines(runs)}

A figure of a busy machine says little about another one. So what was measured is held against something measured in
the same run, in turns: a bare ONNX Runtime session on the same inputs, bare USearch on the same vectors, one pass of
the trunk over the same text. These ratios are what the code is judged by; seconds are there to be pictured.

${[...SECTIONS, ...SCALE_SECTIONS, ...SERVICE_SECTIONS].map((section) => sectionText(section, runs)).join('\n\n')}

## How it was run

Load is the number of processes that were running or waiting when \`npm run bench\` began (one minute's average): on a quiet machine well below the number of cores. Where it is not, read the ratios and not the times.

${markdown([
  ['bench', 'seconds', 'load before', 'ended'],
  ...runs.map(({ name }) => {
    const [start] = linesOf(runs, name, { measure: 'run' });
    const [end] = linesOf(runs, name, { measure: 'end' });
    return [name, cell(end, 'seconds'), cell(start, 'load'), endOf(end?.['code'])];
  }),
])}
`;
}

function machines(runs: readonly BenchRun[]): string {
  const texts = runs.flatMap(({ name }) =>
    linesOf(runs, name, { measure: 'run' }).map((line) => cell(line, 'machine')),
  );
  return `Machine: ${[...new Set(texts)].join('; and ')}.`;
}

function endOf(code: unknown): string {
  if (code === 0) return 'well';
  const how = typeof code === 'number' ? `with code ${code}` : 'early';
  return `${how}: figures may be missing`;
}

function sectionText({ title, text, head, rows }: Section, runs: readonly BenchRun[]): string {
  const body = rows(runs);
  const table = body.length === 0 ? 'Not measured.' : markdown([head, ...body]);
  return `## ${title}\n\n${text(runs)}\n\n${table}`;
}
