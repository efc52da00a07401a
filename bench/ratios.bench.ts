import { parseArgs } from 'node:util';
import { openDemoLinker, type DemoLinker } from './linking/demo-linker.js';
import { BOUNDS } from './ratios/bounds.js';
import {
  encodingRatio,
  graphRatio,
  linkingRatio,
  pairsAMention,
  sizeRatio,
} from './ratios/contests.js';
import { median, printFigure, rounded } from './support/figures.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * The few ratios that test/ratios.test.ts holds to bounds, measured in small; how much they spread is seen when they
 * are measured several times.
 *
 *   node dist/bench/ratios.bench.js [--only encoding,graph] [--times 3] [--rounds 5]
 */
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(BOUNDS).join(',') },
    times: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
  },
});

type Name = keyof typeof BOUNDS;

const MEASURES: Record<
  Name,
  (demo: DemoLinker, folder: string, rounds: number) => Promise<number>
> = {
  encoding: (demo, _, rounds) => encodingRatio(demo, rounds),
  linking: (demo, _, rounds) => linkingRatio(demo, rounds),
  pairs: (demo) => pairsAMention(demo),
  graph: (_, folder, rounds) => graphRatio(folder, rounds),
  size: (_, folder, rounds) => sizeRatio(folder, rounds),
};

async function measure(name: Name, demo: DemoLinker, folder: string): Promise<void> {
  const values: number[] = [];
  for (let time = 0; time < Number(options.times); time++) {
    values.push(await MEASURES[name](demo, folder, Number(options.rounds)));
  }
  const { what, most } = BOUNDS[name];
  const [least, highest] = [Math.min(...values), Math.max(...values)].map((each) => rounded(each));
  const value = rounded(median(values));
  printFigure('ratios', name, { value, least, highest, times: values.length, bound: most, what });
}

await withTemporaryFolder(async (folder) => {
  const demo = await openDemoLinker(folder);
  const asked = new Set(options.only.split(','));
  for (const name of Object.keys(BOUNDS) as Name[]) {
    if (asked.has(name)) await measure(name, demo, folder);
  }
  await demo.close();
});
