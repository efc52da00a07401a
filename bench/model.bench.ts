import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { gunzipSync } from 'node:zlib';
import '../libs/model/no-telemetry.js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { entityBatches, pairBatches, type MentionPair } from '../libs/model/batches.js';
import type { TokenBatch } from '../libs/model/engine.js';
import type { EntityText } from '../libs/model/entity-text.js';
import { EntityLayout } from '../libs/model/layout/entity-layout.js';
import { LinkingModel } from '../libs/model/linking-model.js';
import { openModelFolder } from '../libs/model/model-folder.js';
import { sessionOptions } from '../libs/model/onnx-engine.js';
import { WordPiece } from '../libs/text/wordpiece.js';

/**
 * What our code costs: pairs and entities a second through LinkingModel against a bare ONNX Runtime session
 * that is given the same padded batches, prepared beforehand. Runs alternate; the ratio is the median of theirs.
 * REFERENT_WORLDS: a folder of worlds (`disease/entities.jsonl.gz`); without it the demo KB is used.
 */

const FOLDER = 'models/referent-v0';
const ROUNDS = Number(process.argv[2] ?? 7);
const ENTITIES = Number(process.argv[3] ?? 512);
const PAIRS = ENTITIES / 2;

type Feeds = Record<string, Tensor>;

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

function longs(values: ArrayLike<number>, dims: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(Array.from(values, BigInt)), dims);
}

function feedsOf(batch: TokenBatch & { secondSegments?: Int32Array }): Feeds {
  const rows = batch.lengths.length;
  const dims = [rows, batch.ids.length / rows];
  const column = (i: number) => i % (dims[1] ?? 1);
  const row = (i: number) => Math.floor(i / (dims[1] ?? 1));
  const inside = (i: number) => column(i) < (batch.lengths[row(i)] ?? 0);
  const each = (value: (i: number) => number) => Array.from(batch.ids, (_, i) => value(i));
  const feeds: Feeds = {
    input_ids: longs(batch.ids, dims),
    attention_mask: longs(each((i) => Number(inside(i))), dims), // prettier-ignore
  };
  const { secondSegments } = batch;
  if (secondSegments) {
    const second = (i: number) => Number(inside(i) && column(i) >= (secondSegments[row(i)] ?? 0));
    feeds.token_type_ids = longs(each(second), dims);
  }
  return feeds;
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

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
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

function sequential(session: InferenceSession, feeds: readonly Feeds[]) {
  return async () => {
    for (const feed of feeds) await session.run(feed);
  };
}

async function main(): Promise<void> {
  const { manifest, vocabulary, paths } = await openModelFolder(FOLDER);
  const layout = new EntityLayout(new WordPiece(vocabulary), manifest.limits, manifest.ids);
  const start = performance.now();
  const model = await LinkingModel.load(FOLDER);
  console.log(JSON.stringify({ bench: 'model-load', ms: Math.round(performance.now() - start) }));
  // Twice: with our session options, and with ONNX Runtime's own defaults.
  const open = (path: string) =>
    InferenceSession.create(path, sessionOptions(availableParallelism()));
  const openPlain = (path: string) => InferenceSession.create(path);

  const entities = await sampleEntities();
  const { text, pairs } = samplePairs(entities);
  const pieces = model.tokenize(text);
  const pairFeeds = [...pairBatches(pieces, pairs, layout, manifest)].map((p) => feedsOf(p.batch));
  await report({
    name: 'cross-encoder pairs',
    items: pairs.length,
    goal: 0.95,
    bare: sequential(await open(paths.crossEncoder), pairFeeds),
    plain: sequential(await openPlain(paths.crossEncoder), pairFeeds),
    ours: () => model.scorePairs(pieces, pairs),
  });
  const entityFeeds = [...entityBatches(entities, layout, manifest)].map((p) => feedsOf(p.batch));
  await report({
    name: 'entities encoded',
    items: entities.length,
    goal: 0.9,
    bare: sequential(await open(paths.trunk), entityFeeds),
    plain: sequential(await openPlain(paths.trunk), entityFeeds),
    ours: () => model.encodeEntities(entities),
  });
  await model.close();
}

await main();
