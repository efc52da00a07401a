import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linesOfFile } from '../../libs/evaluation/lines.js';
import { clusteredVectors } from '../../libs/index/testing/vectors.js';
import type { EntityText } from '../../libs/model/entity-text.js';
import { LinkingModel } from '../../libs/model/linking-model.js';

const MODEL_FOLDER = 'models/referent-v1';
const ENTITIES_A_CALL = 1_024;

export interface Wanted {
  readonly count: number;
  readonly queries: number;
  readonly world: string;
  readonly dimensions: number;
  readonly vectorsFile: string | undefined;
  readonly queriesFile: string | undefined;
}

export interface BenchVectors {
  /** Where they come from. */
  readonly name: string;
  readonly dimensions: number;
  /** [count, D] */
  readonly vectors: Float32Array;
  /** [queries, D] */
  readonly queries: Float32Array;
}

/** Vectors from files, from a world, or made up: the first that is there. */
export async function findVectors(wanted: Wanted): Promise<BenchVectors> {
  if (wanted.vectorsFile !== undefined) return vectorsOfFiles(wanted, wanted.vectorsFile);
  const worlds = process.env['REFERENT_WORLDS'];
  if (worlds !== undefined) return vectorsOfWorld(wanted, join(worlds, wanted.world));
  return madeUpVectors(wanted);
}

function madeUpVectors({ count, queries, dimensions }: Wanted): BenchVectors {
  const all = clusteredVectors({ count: count + queries, dimensions, seed: 1 });
  // Every n-th row becomes a query, so that its cluster stays behind.
  const step = Math.floor((count + queries) / queries);
  const isQuery = (row: number): boolean => row % step === 0 && row / step < queries;
  const rows = Array.from({ length: count + queries }, (_, row) => row);
  const pick = (chosen: readonly number[]): Float32Array => {
    const out = new Float32Array(chosen.length * dimensions);
    for (const [i, row] of chosen.entries()) {
      out.set(all.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions);
    }
    return out;
  };
  return {
    name: 'clusters of random vectors',
    dimensions,
    vectors: pick(rows.filter((row) => !isQuery(row))),
    queries: pick(rows.filter(isQuery)),
  };
}

async function vectorsOfFiles(wanted: Wanted, file: string): Promise<BenchVectors> {
  const { dimensions, count, queries } = wanted;
  const all = await readRows(file);
  const vectors = all.slice(0, count * dimensions);
  const asked = wanted.queriesFile === undefined ? vectors : await readRows(wanted.queriesFile);
  return { name: file, dimensions, vectors, queries: asked.slice(0, queries * dimensions) };
}

function vectorsOfWorld(wanted: Wanted, folder: string): Promise<BenchVectors> {
  const { world: name, count, queries } = wanted;
  const files = {
    name,
    entities: join(folder, 'entities.jsonl.gz'),
    labelled: join(folder, 'dev.jsonl.gz'),
  };
  return realVectors(files, { count, queries });
}

export interface TextFiles {
  readonly name: string;
  readonly entities: string;
  /** Texts whose mentions are the queries. */
  readonly labelled: string;
}

/** What the shipped model makes of real texts; kept in the temporary folder for the next run. */
export async function realVectors(
  { name, entities, labelled }: TextFiles,
  { count, queries }: Pick<Wanted, 'count' | 'queries'>,
): Promise<BenchVectors> {
  const model = await LinkingModel.load(MODEL_FOLDER);
  try {
    const { version, dimensions } = model.manifest;
    const cache = join(tmpdir(), 'referent-bench', `${name}-${version}`);
    const vectors = await kept(`${cache}-entities-${count}.f32`, () =>
      encodeEntities(model, entities, count),
    );
    const asked = await kept(`${cache}-mentions-${queries}.f32`, () =>
      encodeMentions(model, labelled, queries),
    );
    return { name, dimensions, vectors, queries: asked };
  } finally {
    await model.close();
  }
}

async function kept(file: string, make: () => Promise<Float32Array>): Promise<Float32Array> {
  try {
    return await readRows(file);
  } catch {
    const rows = await make();
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(`${file}.part`, new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
    await rename(`${file}.part`, file);
    return rows;
  }
}

async function readRows(file: string): Promise<Float32Array> {
  return new Float32Array(Uint8Array.from(await readFile(file)).buffer);
}

async function encodeEntities(
  model: LinkingModel,
  file: string,
  count: number,
): Promise<Float32Array> {
  const entities: EntityText[] = [];
  for await (const { text: line } of linesOfFile(file)) {
    if (entities.length >= count) break;
    entities.push(entityText(JSON.parse(line) as RawEntity));
  }
  const parts: Float32Array[] = [];
  for (let first = 0; first < entities.length; first += ENTITIES_A_CALL) {
    parts.push(await model.encodeEntities(entities.slice(first, first + ENTITIES_A_CALL)));
    process.stderr.write(`\rencoded ${first} of ${entities.length} entities`);
  }
  process.stderr.write('\n');
  return concatenated(parts);
}

async function encodeMentions(
  model: LinkingModel,
  file: string,
  count: number,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  let encoded = 0;
  for await (const { text: line } of linesOfFile(file)) {
    if (encoded >= count) break;
    const { text, mentions } = JSON.parse(line) as RawDocument;
    const spans = mentions
      .slice(0, count - encoded)
      .map(({ start, end }) => ({ start, end, surface: text.slice(start, end) }));
    parts.push(await model.encodeMentions(model.tokenize(text), spans));
    encoded += spans.length;
  }
  return concatenated(parts);
}

interface RawEntity extends Partial<Omit<EntityText, 'aliases'>> {
  readonly title: string;
  readonly aliases?: readonly (string | { readonly name: string })[];
}

interface RawDocument {
  readonly text: string;
  readonly mentions: readonly { readonly start: number; readonly end: number }[];
}

function entityText({ title, aliases = [], types = [], description = '' }: RawEntity): EntityText {
  const names = aliases.map((alias) => (typeof alias === 'string' ? alias : alias.name));
  return { title, aliases: names, types, description };
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
