import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Evaluation } from '../../libs/evaluation/evaluate.js';
import { linesOfFile } from '../../libs/evaluation/lines.js';
import { measureBaselines, type Baselines } from './baselines.js';
import { documentsOf, draw, writeLines } from './draw.js';
import { readNamesakes } from './namesakes.js';
import { entitiesToRemove, withoutEntities } from './reduced.js';
import { contentOf, type Kb, type Lessons, type Workshop } from './workshop.js';
import { NAMESAKES, type World } from './worlds-list.js';

/** Mentions a world, at most; the smaller samples are beginnings of the larger ones. */
export interface SampleSizes {
  readonly retrieval: number;
  readonly rerank: number;
  readonly full: number;
  readonly detected: number;
  readonly seed: number;
}

/** The same mentions without and with what the train split taught. */
export interface BeforeAndAfterLearning {
  readonly plain: Evaluation;
  readonly learned: Evaluation;
}

export interface WorldResult {
  readonly world: string;
  readonly entities: number;
  /** Not reranked, the largest sample. */
  readonly retrieval: BeforeAndAfterLearning;
  readonly adaptive: BeforeAndAfterLearning;
  /** The smallest sample, without learning. */
  readonly small: { readonly adaptive: Evaluation; readonly full: Evaluation };
  /** Detected mentions; null where not every mention is marked. */
  readonly detected: BeforeAndAfterLearning | null;
  /** On the sample of `adaptive`. */
  readonly baselines: Baselines;
}

/** A KB without some of its entities. */
export interface NilResult {
  readonly world: string;
  readonly removed: number;
  readonly adaptive: Evaluation;
}

export interface NamesakesResult {
  readonly entities: number;
  readonly given: Evaluation;
  readonly detected: Evaluation;
}

export interface DemoResult {
  readonly given: Evaluation;
  readonly detected: Evaluation;
}

const ADAPTIVE = ['--rerank', 'adaptive'];
const DETECTED = ['--mentions', 'detected', ...ADAPTIVE];
const SAMPLES = ['retrieval', 'rerank', 'full'] as const;
type Samples = Readonly<Record<(typeof SAMPLES)[number], string>>;

/** Where the worlds lie, and what of them is looked at. */
export interface Source {
  readonly folder: string;
  readonly sizes: SampleSizes;
}

export const hasWorld = ({ folder }: Source, { name }: World): boolean =>
  existsSync(join(folder, name, 'entities.jsonl.gz'));

/** Of each size a file of its own: another command may be reading one. */
export const sampleName = (world: string, { limit, seed }: { limit: number; seed: number }) =>
  `${world}.${limit}-${seed}`;

/** The world's files, with its samples written. */
export async function openWorld(
  workshop: Workshop,
  { name, isPartial }: World,
  { folder, sizes }: Source,
): Promise<{ kb: Kb; dev: string; lessons: Lessons; samples: Samples }> {
  const file = (part: string) => join(folder, name, `${part}.jsonl.gz`);
  const documents = await documentsOf(file('dev'));
  const samples = { retrieval: '', rerank: '', full: '' };
  for (const sample of SAMPLES) {
    const drawn = { limit: sizes[sample], seed: sizes.seed };
    samples[sample] = workshop.sampleFile(sampleName(name, drawn));
    await writeLines(samples[sample], draw(documents, drawn));
  }
  const kb = { name, entities: file('entities') };
  return { kb, samples, dev: file('dev'), lessons: { file: file('train'), isPartial } };
}

/** First what does not need the lessons, then what does. */
export async function measureWorld(
  workshop: Workshop,
  world: World,
  source: Source,
): Promise<WorldResult> {
  const { kb, dev, lessons, samples } = await openWorld(workshop, world, source);
  const { retrieval, rerank, full } = samples;
  const { detected, seed } = source.sizes;
  const asked = {
    retrieval: { kb, file: retrieval, args: ['--rerank', 'none'] },
    adaptive: { kb, file: rerank, args: ADAPTIVE },
    detected: {
      ...{ kb, file: dev },
      args: [...DETECTED, '--limit', String(detected), '--seed', String(seed)],
    },
  };
  await workshop.import(kb);
  const plain = {
    retrieval: await workshop.evaluate(asked.retrieval),
    adaptive: await workshop.evaluate(asked.adaptive),
    detected: world.isDetected ? await workshop.evaluate(asked.detected) : null,
  };
  const small = {
    adaptive: await workshop.evaluate({ kb, file: full, args: ADAPTIVE }),
    full: await workshop.evaluate({ kb, file: full, args: ['--rerank', 'full'] }),
  };
  const baselines = await baselinesOf(workshop, kb, rerank);
  await workshop.learn(kb, lessons);
  const learned = {
    retrieval: await workshop.evaluate({ ...asked.retrieval, lessons }),
    adaptive: await workshop.evaluate({ ...asked.adaptive, lessons }),
    detected: world.isDetected ? await workshop.evaluate({ ...asked.detected, lessons }) : null,
  };
  return {
    ...{ world: world.name, entities: await workshop.entitiesIn(kb), small, baselines },
    retrieval: { plain: plain.retrieval, learned: learned.retrieval },
    adaptive: { plain: plain.adaptive, learned: learned.adaptive },
    detected:
      plain.detected === null || learned.detected === null
        ? null
        : { plain: plain.detected, learned: learned.detected },
  };
}

async function baselinesOf(workshop: Workshop, kb: Kb, file: string): Promise<Baselines> {
  const inputs = ['baselines', await contentOf(file), await contentOf(kb.entities)];
  return workshop.kept(kb.name, inputs, async () =>
    measureBaselines(await documentsOf(file), {
      ...{ dataDir: workshop.folder, kb: kb.name, entities: kb.entities },
    }),
  );
}

/** A second KB, without a tenth of the entities that dev mentions: their mentions have no answer there. */
export async function measureNil(
  workshop: Workshop,
  { name }: World,
  { folder, sizes }: Source,
): Promise<NilResult> {
  const documents = await documentsOf(join(folder, name, 'dev.jsonl.gz'));
  const removed = entitiesToRemove(documents, sizes.seed);
  const kb = { name: `${name}-reduced`, entities: workshop.sampleFile(`${name}-reduced.entities`) };
  await writeLines(kb.entities, await othersOf(join(folder, name, 'entities.jsonl.gz'), removed));
  const file = workshop.sampleFile(`${name}-reduced.rerank`);
  const sample = draw(documents, { limit: sizes.rerank, seed: sizes.seed });
  await writeLines(file, withoutEntities(sample, removed));
  await workshop.import(kb);
  const adaptive = await workshop.evaluate({ kb, file, args: ADAPTIVE });
  return { world: name, removed: removed.size, adaptive };
}

async function othersOf(file: string, removed: ReadonlySet<string>): Promise<object[]> {
  const others: object[] = [];
  for await (const { text } of linesOfFile(file)) {
    const entity = JSON.parse(text) as { id: string };
    if (!removed.has(entity.id)) others.push(entity);
  }
  return others;
}

export async function measureNamesakes(
  workshop: Workshop,
  folder: string,
  { retrieval, detected, seed }: SampleSizes,
): Promise<NamesakesResult> {
  const written = await readNamesakes(folder);
  const file = (part: string) => workshop.sampleFile(`${NAMESAKES}.${part}`);
  await writeLines(file('entities'), written.entities);
  await writeLines(file('given'), draw(written.given, { limit: retrieval, seed }));
  await writeLines(file('detected'), written.detected);
  const kb = { name: NAMESAKES, entities: file('entities') };
  const limited = ['--limit', String(detected), '--seed', String(seed)];
  await workshop.import(kb);
  return {
    given: await workshop.evaluate({ kb, file: file('given'), args: ADAPTIVE }),
    detected: await workshop.evaluate({
      ...{ kb, file: file('detected') },
      args: [...DETECTED, ...limited],
    }),
    entities: await workshop.entitiesIn(kb),
  };
}

/** The demo's own gold sentences: reported, never tuned on. */
export async function measureDemo(workshop: Workshop): Promise<DemoResult> {
  const kb = { name: 'demo', entities: 'kb/demo/entities.jsonl' };
  const file = 'kb/demo/gold.jsonl';
  await workshop.import(kb);
  return {
    given: await workshop.evaluate({ kb, file, args: ADAPTIVE }),
    detected: await workshop.evaluate({ kb, file, args: DETECTED }),
  };
}
