/**
 * `npm run evaluate:worlds -- [--worlds mdn,rpg] [--limit 300] [--seed 1] [--fresh]`: imports the worlds of
 * $REFERENT_WORLDS (default ../shared/data), evaluates their dev splits and writes docs/accuracy.md. What was done
 * is kept by file, model version and settings in <data dir>/worlds, so that a stopped run goes on where it was;
 * --fresh evaluates again, which a change of code calls for. Paths are taken from the project's root.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSettings } from '../libs/config/settings.js';
import type { Evaluation } from '../libs/evaluation/evaluate.js';
import { CARD } from './worlds/card-figures.js';
import { cardSamples, countMentions, writeSample } from './worlds/card-sample.js';
import { demoSection, type DemoResult } from './worlds/demo-table.js';
import { referent } from './worlds/referent.js';
import { accuracyPage, type WorldResult } from './worlds/table.js';

const { values: options } = parseArgs({
  options: {
    worlds: { type: 'string', default: Object.keys(CARD).join(',') },
    limit: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'docs/accuracy.md' },
    fresh: { type: 'boolean', default: false },
  },
});

const worldsFolder = resolve(process.env['REFERENT_WORLDS'] ?? '../shared/data');
const settings = loadSettings();
const folder = join(settings.dataDir, 'worlds');
const inOurFolder = ['--data-dir', folder];

const DEMO = { kb: 'demo', entities: 'kb/demo/entities.jsonl', gold: 'kb/demo/gold.jsonl' };

interface Run {
  readonly kb: string;
  readonly entities: string;
  readonly file: string;
  readonly args: readonly string[];
}

async function evaluateWorld(world: string): Promise<WorldResult> {
  const dev = join(worldsFolder, world, 'dev.jsonl.gz');
  const mentions = await countMentions(dev);
  const samples = cardSamples(mentions);
  const cardFile = join(folder, `${world}.card.jsonl`);
  const rerankFile = join(folder, `${world}.card-rerank.jsonl`);
  await writeSample(dev, samples.recall, cardFile);
  await writeSample(dev, samples.rerank, rerankFile);
  const entities = join(worldsFolder, world, 'entities.jsonl.gz');
  const source = { kb: world, entities };
  await importKb(source);
  const none = ['--rerank', 'none'];
  const adaptive = ['--rerank', 'adaptive'];
  const limited = [...adaptive, '--limit', options.limit, '--seed', options.seed];
  const card = await evaluated({ ...source, file: cardFile, args: none });
  const isWhole = samples.recall.size === mentions;
  return {
    world,
    entities: await entitiesOf(world),
    card,
    reranked: await evaluated({ ...source, file: rerankFile, args: adaptive }),
    all: isWhole ? card : await evaluated({ ...source, file: dev, args: none }),
    sample: options.limit === '0' ? null : await evaluated({ ...source, file: dev, args: limited }),
  };
}

/** The import itself skips what is unchanged, but it has to read the file and start the model. */
async function importKb({ kb, entities }: Pick<Run, 'kb' | 'entities'>): Promise<void> {
  const stamp = join(folder, 'kbs', kb, '.imported-by-worlds');
  const wanted = await hashOf(entities, join(settings.modelDir, 'manifest.json'));
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === wanted) return;
  process.stderr.write(`# importing ${kb}\n`);
  await referent('import', entities, '--kb', kb, ...inOurFolder);
  await writeFile(stamp, wanted);
}

async function entitiesOf(world: string): Promise<number> {
  const { kbs } = JSON.parse(await referent('kbs', '--json', ...inOurFolder)) as {
    kbs: readonly { readonly name: string; readonly entities: number }[];
  };
  return kbs.find(({ name }) => name === world)?.entities ?? 0;
}

async function evaluated({ kb, entities, file, args }: Run): Promise<Evaluation> {
  const inputs = await hashOf(file, entities, join(settings.modelDir, 'manifest.json'));
  const key = createHash('sha256')
    .update([inputs, ...args].join('\n'))
    .digest('hex')
    .slice(0, 16);
  const kept = join(folder, 'results', `${kb}-${key}.json`);
  if (!options.fresh && existsSync(kept))
    return JSON.parse(await readFile(kept, 'utf8')) as Evaluation;
  process.stderr.write(`# ${kb} ${args.join(' ')}\n`);
  const output = await referent('evaluate', file, '--kb', kb, '--json', ...args, ...inOurFolder);
  await writeFile(kept, output);
  return JSON.parse(output) as Evaluation;
}

async function hashOf(...files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex');
}

/** The demo's own gold sentences: reported, never tuned on. */
async function evaluateDemo(): Promise<DemoResult> {
  await importKb(DEMO);
  const run = (...args: string[]) => evaluated({ ...DEMO, file: DEMO.gold, args });
  return {
    given: await run('--mentions', 'given', '--rerank', 'adaptive'),
    detected: await run('--mentions', 'detected', '--rerank', 'adaptive'),
  };
}

await mkdir(join(folder, 'results'), { recursive: true });
const results: WorldResult[] = [];
for (const world of options.worlds.split(',')) results.push(await evaluateWorld(world));
await writeFile(options.out, `${accuracyPage(results)}\n${demoSection(await evaluateDemo())}`);
process.stderr.write(`Written: ${options.out}\n`);
