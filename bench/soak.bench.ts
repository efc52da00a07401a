import { parseArgs } from 'node:util';
import { soak } from './soak/soak.js';
import { printFigure, rounded } from './support/figures.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * The whole service under load and faults: two API processes, two workers, Redis; see `soak/soak.ts`.
 *
 *   node dist/bench/soak.bench.js [--seconds 120] [--clients 8] [--writers 4] [--database postgres://…]
 */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    clients: { type: 'string', default: '8' },
    writers: { type: 'string', default: '4' },
    database: { type: 'string' },
  },
});

await withTemporaryFolder(async (folder) => {
  const report = await soak({
    seconds: Number(options.seconds),
    clients: Number(options.clients),
    writers: Number(options.writers),
    folder,
    say: (what) => {
      process.stderr.write(`${what}\n`);
    },
    ...(options.database === undefined ? {} : { databaseUrl: options.database }),
  });
  const { counts, problems, milliseconds, memory, kills, secondsToReembed } = report;
  const wrong = Object.values(problems).reduce((sum, { count }) => sum + count, 0);
  printFigure('soak', 'soak', {
    ...options,
    kills,
    secondsToReembed: rounded(secondsToReembed, 1),
  });
  printFigure('soak', 'wrong', {
    value: wrong,
    unit: 'requests, writes or links',
    goal: 0,
    problems,
  });
  printFigure('soak', 'done', counts);
  for (const [what, { count, p50, p99, most }] of Object.entries(milliseconds)) {
    const figures = { what, value: rounded(p50, 1), unit: 'ms', p99: rounded(p99, 1) };
    printFigure('soak', 'time', { ...figures, most: rounded(most, 1), count });
  }
  for (const { process, early, late } of memory) {
    const figures = { process, value: rounded(late, 0), unit: 'MB', early: rounded(early, 0) };
    printFigure('soak', 'memory', { ...figures, ratio: rounded(late / early, 2) });
  }
  if (wrong > 0) process.exitCode = 1;
});
