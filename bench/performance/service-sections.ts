import { cell, linesOf, type Line } from './lines.js';
import type { Section } from './sections.js';

const entities: Section = {
  title: 'Entities that are written while the service runs',
  text: () => `\`PUT /v1/entities/:id\` at one of two processes over 100,000 generated entities. Linkable is from the sending of the
PUT to the first answer of \`/v1/annotate\` that links the new name, so it includes that request.`,
  head: ['what', 'p50 or rate', 'p99', 'goal', 'writes'],
  rows: (runs) => [
    ...linesOf(runs, 'entities', { measure: 'put' }).map((line) => entityRow('PUT', line)),
    ...linesOf(runs, 'entities', { measure: 'linkable' }).map((line) =>
      entityRow(`linkable at the ${cell(line, 'where')} process`, line),
    ),
    ...linesOf(runs, 'entities', { measure: 'write rate' }).map((line) =>
      entityRow(`writes by ${cell(line, 'writers')} clients`, line),
    ),
  ],
};

const entityRow = (what: string, line: Line): string[] => [
  what,
  `${cell(line, 'value')} ${cell(line, 'unit')}`,
  cell(line, 'p99'),
  cell(line, 'goal'),
  cell(line, 'writes'),
];

const queue: Section = {
  title: 'Reranking through the queue',
  text: (runs) => {
    const [overhead] = linesOf(runs, 'queue', { measure: 'overhead' });
    const [overload] = linesOf(runs, 'queue', { measure: 'overload' });
    return `Demo KB, one short text a request. The queue costs a document ${cell(overhead, 'value')} ms beside a process with as many
threads (${cell(overhead, 'queued')} against ${cell(overhead, 'inProcess')} ms, p50; goal ${cell(overhead, 'goal')} ms). Below, one API process and two workers of one thread each
beside one process with all cores. With ${cell(overload, 'clients')} clients ${cell(overload, 'refused')} requests were answered 429, and p99 of those let in was
${cell(overload, 'p99')} ms, in the second half ${cell(overload, 'p99OfSecondHalfToFirst')} of the first.`;
  },
  head: ['how', 'clients', 'requests a second', 'to in-process', 'p50 ms', 'p99 ms'],
  rows: (runs) =>
    linesOf(runs, 'queue', { measure: 'throughput' }).map((line) => [
      cell(line, 'how'),
      cell(line, 'clients'),
      cell(line, 'value'),
      cell(line, 'ratioToInProcess', 2),
      cell(line, 'p50'),
      cell(line, 'p99'),
    ]),
};

const soak: Section = {
  title: 'All of it at once',
  text: (runs) => {
    const [run] = linesOf(runs, 'soak', { measure: 'soak' });
    const [wrong] = linesOf(runs, 'soak', { measure: 'wrong' });
    return `Two API processes, two workers and Redis for ${cell(run, 'seconds')} s: ${cell(run, 'clients')} clients annotate, ${cell(run, 'writers')} write entities, the KB is
embedded under another model (${cell(run, 'secondsToReembed')} s), and ${cell(run, 'kills')} processes are killed with -9. Wrong (failed requests of processes that
were not killed, lost or undone writes, changed links, problems of \`referent verify\`): ${cell(wrong, 'value')}.`;
  },
  head: ['what', 'p50', 'p99', 'most', 'count'],
  rows: (runs) =>
    linesOf(runs, 'soak', { measure: 'time' }).map((line) => [
      cell(line, 'what'),
      `${cell(line, 'value')} ms`,
      cell(line, 'p99'),
      cell(line, 'most'),
      cell(line, 'count'),
    ]),
};

const latency: Section = {
  title: 'One sentence with one mention',
  text: () => `\`POST /v1/annotate\` over loopback, demo KB, default options, one client that waits for each answer. Every
sentence is asked once, so that nothing that was kept of an earlier one helps.`,
  head: ['mention', 'p50 ms', 'goal', 'p99 ms', 'goal', 'requests'],
  rows: (runs) =>
    linesOf(runs, 'latency', { measure: 'one sentence' }).map((line) => [
      cell(line, 'mentions'),
      cell(line, 'p50', 1),
      cell(line, 'goals.p50'),
      cell(line, 'p99', 1),
      cell(line, 'goals.p99'),
      cell(line, 'requests'),
    ]),
};

const ratios: Section = {
  title: 'Ratios that the tests hold',
  text: () => `Measured in small by \`npm test\` (\`test/ratios.test.ts\`), which fails above the bound: time to time, or a count,
so that they say the same on any machine. Least and most are those of this run; what the bounds rest on stands in
\`bench/ratios/bounds.ts\`.`,
  head: ['ratio', 'value', 'least', 'most', 'bound'],
  rows: (runs) =>
    (runs.find(({ name }) => name === 'ratios')?.lines ?? [])
      .filter(({ what }) => what !== undefined)
      .map((line) =>
        ['what', 'value', 'least', 'highest', 'bound'].map((field) => cell(line, field)),
      ),
};

/** What the service does beside answering: writes, queues, faults. */
export const SERVICE_SECTIONS: readonly Section[] = [latency, entities, queue, soak, ratios];
