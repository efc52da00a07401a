import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { entityBatches, pairBatches, type MentionPair } from '../libs/model/batches.js';
import type { EntityText } from '../libs/model/entity-text.js';
import { EntityLayout } from '../libs/model/layout/entity-layout.js';
import { LinkingModel } from '../libs/model/linking-model.js';
import { openModelFolder } from '../libs/model/model-folder.js';
import { WordPiece } from '../libs/text/wordpiece.js';
import { feedsOf, openPlainSession, openSession, sequential } from './support/bare-session.js';
import { median } from './support/figures.js';

/**
 * What our code costs: pairs and entities a second through LinkingModel against a bare ONNX Runtime session
 * that is given the same padded batches, prepared beforehand. Runs alternate; the ratio is the median of theirs.
 * REFERENT_WORLDS: a folder of worlds (`disease/entities.jsonl.gz`); without it the demo KB is used.
 */

const FOLDER = 'models/referent-v1';
const ROUNDS = Number(process.argv[2] ?? 5);
const ENTITIES = Number(process.argv[3] ?? 256);
const PAIRS = ENTITIES / 2;

async function sampleEntities(): Promise<EntityText[]> {
  const worlds = process.env.REFERENT_WORLDS;
  const lines = worlds
    ? gunzipSync(await readFile(`${worlds}/disease/entities.jsonl.gz`)).toString()
    : await readFile('kb/demo/entities.jsonl', 'utf8');
  return lines.split('\n', ENTITIES).map((line) => {
    const record = JSON.parse(line) as Partial<EntityText> & { title: string };
    const aliases = (record.aliases ?? []).map(nameOf);
    return { description: '', types: [], ...record, aliases };
  });
}

function nameOf(alias: string | { name: string }): string {
  return typeof alias === 'string' ? alias : alias.name;
}

/** A text that names every eighth entity, each paired with the 16 entities around it. */
function samplePairs(entities: readonly EntityText[]): { text: string; pairs: MentionPair[] } {
  let text = '';
  const pairs: MentionPair[] = [];
  for (let i = 0; i + 16 < entities.length && pairs.length < PAIRS; i += 8) {
    const { title = '', description = '' } = entities[i] ?? {};
    const span = { start: text.length, end: text.length + title.length };
    text += `${title} is meant here. ${description.slice(0, 200)} `;
    pairs.push(...entities.slice(i, i + 16).map((entity) => ({ span, entity })));
  }
  return { text, pairs };
}

/** Seconds. */
interface Round {
  readonly bare: number;
  readonly plain: number;
  readonly ours: number;
}

interface Contest {
  readonly name: string;
  readonly items: number;
  readonly goal: number;
  /** The same batches, in sessions with our options. */
  readonly bare: () => Promise<unknown>;
  /** The same batches, in sessions with the runtime's defaults. */
  readonly plain: () => Promise<unknown>;
  readonly ours: () => Promise<unknown>;
}

async function secondsOf(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

async function report({ name, items, goal, bare, plain, ours }: Contest): Promise<void> {
  for (const run of [bare, plain, ours]) await run();
  const rounds: Round[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    rounds.push({
      bare: await secondsOf(bare),
      ours: await secondsOf(ours),
      plain: await secondsOf(plain),
    });
  }
  const perSecond = (run: keyof Round) => Math.round(items / median(rounds.map((r) => r[run])));
  const ratio = (run: keyof Round) => Number(median(rounds.map((r) => r[run] / r.ours)).toFixed(3));
  const figures = {
    bench: name,
    perSecond: perSecond('ours'),
    barePerSecond: perSecond('bare'),
    ratio: ratio('bare'),
    defaultOptionsPerSecond: perSecond('plain'),
    ratioToDefaultOptions: ratio('plain'),
    goal,
    items,
    rounds: ROUNDS,
    cores: availableParallelism(),
  };
  console.log(JSON.stringify(figures));
}

async function main(): Promise<void> {
  const { manifest, vocabulary, paths } = await openModelFolder(FOLDER);
  const layout = new EntityLayout(new WordPiece(vocabulary), manifest.limits, manifest.ids);
  const start = performance.now();
  const model = await LinkingModel.load(FOLDER);
  console.log(JSON.stringify({ bench: 'model-load', ms: Math.round(performance.now() - start) }));
  const entities = await sampleEntities();
  const { text, pairs } = samplePairs(entities);
  const pieces = model.tokenize(text);
  const pairFeeds = [...pairBatches(pieces, pairs, layout, manifest)].map((p) => feedsOf(p.batch));
  await report({
    name: 'cross-encoder pairs',
    items: pairs.length,
    goal: 0.95,
    bare: sequential(await openSession(paths.crossEncoder), pairFeeds),
    plain: sequential(await openPlainSession(paths.crossEncoder), pairFeeds),
    ours: () => model.scorePairs(pieces, pairs),
  });
  const entityFeeds = [...entityBatches(entities, layout, manifest)].map((p) => feedsOf(p.batch));
  await report({
    name: 'entities encoded',
    items: entities.length,
    goal: 0.9,
    bare: sequential(await openSession(paths.trunk), entityFeeds),
    plain: sequential(await openPlainSession(paths.trunk), entityFeeds),
    ours: () => model.encodeEntities(entities),
  });
  await model.close();
}

await main();
