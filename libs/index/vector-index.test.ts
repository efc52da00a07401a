import { afterAll, beforeAll } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExactIndex } from './exact-index.js';
import { LayeredIndex } from './layered-index.js';
import { buildSnapshot, openSnapshot } from './snapshot.js';
import { namePages, vectorPages } from './testing/vectors.js';
import { describeVectorIndex } from './vector-index.contract.js';

const MODEL = 'test-model';
let root = '';
let sequence = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'referent-index-'));
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

async function overSnapshot(
  exactBelow: number,
  dimensions: number,
  rows: { keys: readonly number[]; vectors: Float32Array },
): Promise<LayeredIndex> {
  const spec = { modelVersion: MODEL, dimensions, kbSequence: ++sequence, exactBelow };
  const pages = vectorPages(rows.vectors, dimensions, { keys: rows.keys, size: 7 });
  const folder = await buildSnapshot(root, spec, pages, namePages());
  const { vectors } = await openSnapshot(folder, { modelVersion: MODEL, dimensions });
  return new LayeredIndex(dimensions, vectors);
}

describeVectorIndex({
  name: 'ExactIndex',
  make: (dimensions, keys, vectors) => {
    const index = new ExactIndex(dimensions);
    index.upsert(keys, vectors);
    return Promise.resolve(index);
  },
});

describeVectorIndex({
  name: 'LayeredIndex with a delta only',
  make: (dimensions, keys, vectors) => {
    const index = new LayeredIndex(dimensions, null);
    index.upsert(keys, vectors);
    return Promise.resolve(index);
  },
});

describeVectorIndex({
  name: 'LayeredIndex over a snapshot with a graph',
  make: (dimensions, keys, vectors) => overSnapshot(0, dimensions, { keys, vectors }),
});

describeVectorIndex({
  name: 'LayeredIndex over a small snapshot, searched one by one',
  make: (dimensions, keys, vectors) => overSnapshot(1e9, dimensions, { keys, vectors }),
});
