import { parseArgs } from 'node:util';
import type { KnowledgeBase } from '../libs/linking/knowledge-base.js';
import { Linker, type Annotation } from '../libs/linking/linker.js';
import { STEPS, type RerankMode } from '../libs/linking/stages.js';
import type { TokenBatch } from '../libs/model/engine.js';
import { LinkingModel } from '../libs/model/linking-model.js';
import { ModelCache } from '../libs/model/model-cache.js';
import { bareTrunkPass, documentWindows, openDemoLinker } from './linking/demo-linker.js';
import { DOCUMENT } from './linking/document.js';
import { MODEL_FOLDER } from './support/demo-kb.js';
import { median, millisecondsOf, printFigure, rounded } from './support/figures.js';
import { withTemporaryFolder } from './support/temporary-folder.js';

/**
 * Milliseconds to link a document of 250 words to the demo KB, by step and rerank mode, beside one pass of the bare
 * trunk over the same windows. Runs alternate; figures are medians, ratios medians of the rounds' ratios. Nothing is
 * kept between runs, but for the last figure: a text again as a share of its first time, with the cache of a server.
 *
 *   node dist/bench/linking.bench.js [--rounds 11] [--full-rounds 2]
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '11' },
    // Seconds each.
    'full-rounds': { type: 'string', default: '2' },
  },
});

const BENCH = 'linking';
/** The default of REFERENT_CACHE_MB. */
const CACHE_BYTES = 64e6;
const MODES = ['none', 'adaptive', 'full'] as const;

interface Run extends Annotation {
  /** Milliseconds, all five steps. */
  readonly all: number;
  /** Milliseconds of the bare trunk pass in the same round. */
  readonly trunk: number;
}

interface Bench {
  readonly linker: Linker;
  readonly trunkPass: () => Promise<void>;
}

async function linked(
  linker: Linker,
  rerank: RerankMode,
  text = DOCUMENT,
): Promise<Omit<Run, 'trunk'>> {
  const start = performance.now();
  const annotation = await linker.annotate({ text }, { rerank });
  return { ...annotation, all: performance.now() - start };
}

function reportDocument(
  model: LinkingModel,
  windows: readonly TokenBatch[],
  mentions: number,
): void {
  printFigure(BENCH, 'document', {
    words: DOCUMENT.split(/\s+/u).length,
    pieces: model.tokenize(DOCUMENT).ids.length,
    computedPieces: windows.reduce((sum, { ids }) => sum + ids.length, 0),
    windows: windows.reduce((sum, { lengths }) => sum + lengths.length, 0),
    mentions,
  });
}

async function measure({ linker, trunkPass }: Bench): Promise<Record<RerankMode, Run[]>> {
  const runs: Record<RerankMode, Run[]> = { none: [], adaptive: [], full: [] };
  await linked(linker, 'adaptive');
  await trunkPass();
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const mode of MODES) {
      if (mode === 'full' && round >= Number(options['full-rounds'])) continue;
      const trunk = await millisecondsOf(trunkPass);
      runs[mode].push({ ...(await linked(linker, mode)), trunk });
    }
  }
  return runs;
}

function report(rerank: RerankMode, runs: readonly Run[]): void {
  const print = (step: string, millisecondsIn: (run: Run) => number) => {
    printFigure(BENCH, 'latency', {
      rerank,
      step,
      value: rounded(median(runs.map(millisecondsIn)), 2),
      unit: 'ms',
      ratioToTrunkPass: rounded(median(runs.map((run) => millisecondsIn(run) / run.trunk))),
      runs: runs.length,
    });
  };
  for (const step of STEPS) print(step, ({ timings }) => timings[step]);
  print('all', ({ all }) => all);
  const mentions = median(runs.map(({ ranked }) => ranked.length));
  const pairs = median(runs.map(({ pairsScored }) => pairsScored));
  const value = rounded(pairs / mentions, 2);
  printFigure(BENCH, 'pairs', { rerank, value, unit: 'pairs a mention', mentions, pairs });
}

/** Each round has a text of its own, so that its first time is one. */
async function measureRepeats(kb: KnowledgeBase): Promise<void> {
  const model = await LinkingModel.load(MODEL_FOLDER, { cache: new ModelCache(CACHE_BYTES) });
  const linker = new Linker(model, kb);
  await linked(linker, 'adaptive');
  for (const rerank of ['none', 'adaptive'] as const) {
    const ratios: number[] = [];
    for (let round = 0; round < Number(options.rounds); round++) {
      const text = `${DOCUMENT} This is said for the sake of ${rerank} round ${round}.`;
      const { all: first } = await linked(linker, rerank, text);
      const { all: again } = await linked(linker, rerank, text);
      ratios.push(again / first);
    }
    const runs = ratios.length;
    printFigure(BENCH, 'repeated', {
      rerank,
      value: rounded(median(ratios)),
      unit: 'of first',
      runs,
    });
  }
  await model.close();
}

async function main(dataDir: string): Promise<void> {
  const demo = await openDemoLinker(dataDir);
  const { linker, model } = demo;
  const windows = await documentWindows(demo);
  const { mentions } = await linker.mentions({ text: DOCUMENT });
  reportDocument(model, windows, mentions.length);
  const runs = await measure({ linker, trunkPass: await bareTrunkPass(windows) });
  const trunk = Object.values(runs).flatMap((all) => all.map((run) => run.trunk));
  printFigure(BENCH, 'trunk pass', { value: rounded(median(trunk), 2), unit: 'ms' });
  for (const mode of MODES) report(mode, runs[mode]);
  await measureRepeats(demo.kb);
  await demo.close();
}

await withTemporaryFolder(main);
