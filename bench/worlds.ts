/**
 * `npm run evaluate:worlds -- [--worlds mdn,rpg] [--retrieval 1000] [--rerank 400] [--full 60] [--detected 400]
 * [--seed 1] [--fresh]`: imports the worlds of $REFERENT_WORLDS (default ../shared/data), evaluates their dev splits
 * and writes docs/accuracy.md. What was done is kept in <data dir>/worlds, so that a stopped run goes on where it was;
 * --fresh evaluates again, which a change of code calls for. --plan FILE only writes the samples, and to FILE where
 * `npm run bench:peers` finds them. Paths are taken from the project's root.
 */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSettings } from '../libs/config/settings.js';
import {
  hasWorld,
  measureDemo,
  measureNamesakes,
  measureNil,
  measureWorld,
  openWorld,
  sampleName,
  type SampleSizes,
} from './worlds/measure.js';
import { accuracyPage } from './worlds/page.js';
import type { Results } from './worlds/page/results.js';
import { peerFiguresOf } from './worlds/peers.js';
import { Workshop } from './worlds/workshop.js';
import { WORLDS, type World } from './worlds/worlds-list.js';

const { values: options } = parseArgs({
  options: {
    worlds: { type: 'string', default: WORLDS.map(({ name }) => name).join(',') },
    retrieval: { type: 'string', default: '1000' },
    rerank: { type: 'string', default: '400' },
    full: { type: 'string', default: '60' },
    detected: { type: 'string', default: '400' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'docs/accuracy.md' },
    fresh: { type: 'boolean', default: false },
    plan: { type: 'string' },
  },
});

const sizes: SampleSizes = {
  retrieval: Number(options.retrieval),
  rerank: Number(options.rerank),
  full: Number(options.full),
  detected: Number(options.detected),
  seed: Number(options.seed),
};
const settings = loadSettings();
const source = { folder: resolve(process.env['REFERENT_WORLDS'] ?? '../shared/data'), sizes };
const workshop = new Workshop(join(settings.dataDir, 'worlds'), settings.modelDir, options.fresh);
const peersSample = (world: string) => sampleName(world, { limit: sizes.rerank, seed: sizes.seed });
const peerFile = (world: string) => join(workshop.folder, 'peers', `${peersSample(world)}.json`);

const asked = new Set(options.worlds.split(','));
const worlds = WORLDS.filter((world) => asked.has(world.name) && hasWorld(source, world));

await workshop.prepare();
const text =
  options.plan === undefined
    ? accuracyPage(await measureAll())
    : JSON.stringify(await Promise.all(worlds.map(planOf)));
await writeFile(options.plan ?? options.out, text);
process.stderr.write(`Written: ${options.plan ?? options.out}\n`);

async function planOf(world: World): Promise<object> {
  const { kb, lessons, samples } = await openWorld(workshop, world, source);
  const files = { entities: kb.entities, train: lessons.file, sample: samples.rerank };
  return { world: world.name, ...files, out: peerFile(world.name) };
}

async function measureAll(): Promise<Results> {
  const results: Results['worlds'][number][] = [];
  for (const world of worlds) {
    const measured = await measureWorld(workshop, world, source);
    const sample = workshop.sampleFile(peersSample(world.name));
    results.push({ ...measured, peers: await peerFiguresOf(peerFile(world.name), sample) });
  }
  const nil: Results['nil'][number][] = [];
  for (const world of worlds) {
    if (world.isReduced) nil.push(await measureNil(workshop, world, source));
  }
  return {
    ...{ sizes, worlds: results, nil },
    namesakes: await measureNamesakes(workshop, 'training/namesakes', sizes),
    demo: await measureDemo(workshop),
  };
}
