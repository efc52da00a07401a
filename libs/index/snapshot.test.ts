import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReferentError, type ErrorCode } from '../contract/errors.js';
import { ExactIndex } from './exact-index.js';
import { buildSnapshot, listSnapshots, openSnapshot } from './snapshot.js';
import type { SnapshotPhase } from './snapshot-build.js';
import {
  buildTestSnapshot,
  DIMENSIONS,
  MODEL,
  testVectors,
  type TestBuild,
} from './testing/snapshots.js';
import { namePages, vectorPages } from './testing/vectors.js';

const D = DIMENSIONS;
const FILES = ['graph.usearch', 'vectors.f32', 'keys', 'names.bin', 'manifest.json'] as const;

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'referent-snapshot-'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

const build = (options: TestBuild = {}): Promise<string> => buildTestSnapshot(root, options);

async function errorOf(work: Promise<unknown>): Promise<ReferentError> {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error instanceof ReferentError) return error;
  throw new Error(`Expected a ReferentError, got ${String(error)}`);
}

async function expectRefused(folder: string, code: ErrorCode, message: RegExp): Promise<void> {
  const error = await errorOf(openSnapshot(folder, MODEL));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
}

describe('buildSnapshot', () => {
  it('makes a folder that opens with all vectors and names', async () => {
    const folder = await build();
    expect(folder).toBe(join(root, 'm1-1'));
    expect((await readdir(folder)).sort()).toEqual([...FILES].sort());
    const { manifest, vectors, names } = await openSnapshot(folder, MODEL);
    expect(manifest).toMatchObject({ modelVersion: 'm1', kbSequence: 1, vectors: 300, names: 3 });
    expect([vectors.size, names.size, names.has('limb bud'), names.has('limb')]).toEqual([
      300,
      3,
      true,
      false,
    ]);
    vectors.close();
  });

  it('leaves the graph out for few vectors, and takes none at all', async () => {
    for (const count of [0, 30]) {
      const folder = await build({ count, exactBelow: 31, kbSequence: count });
      expect(await readdir(folder)).not.toContain('graph.usearch');
      const { manifest, vectors } = await openSnapshot(folder, MODEL);
      expect(manifest.graph).toBeNull();
      expect(vectors.size).toBe(count);
    }
  });

  it('tells its progress by phase', async () => {
    const phases = new Map<SnapshotPhase, number>();
    const spec = { ...MODEL, kbSequence: 1, exactBelow: 0 };
    const pages = vectorPages(testVectors(700), D);
    await buildSnapshot(root, spec, pages, namePages(['a']), ({ phase, done }) => {
      phases.set(phase, done);
    });
    expect([...phases]).toEqual([
      ['vectors', 700],
      ['graph', 700],
      ['names', 1],
      ['verify', 100],
    ]);
  });

  it('finds what the exact index finds', async () => {
    const vectors = testVectors(3_000);
    const { vectors: base } = await openSnapshot(await build({ count: 3_000 }), MODEL);
    const oracle = new ExactIndex(D);
    oracle.upsert([...Array(3_000).keys()], vectors);
    const queries = vectors.slice(0, 40 * D);
    const expected = oracle.search(queries, 100);
    const found = base.search(queries, 100);
    const shared = found.map(({ keys }, i) => {
      const truth = new Set(expected[i]?.keys);
      return keys.filter((key) => truth.has(key)).length;
    });
    base.close();
    expect(shared.reduce((sum, n) => sum + n) / 4_000).toBeGreaterThan(0.99);
    expect(found[0]?.cosines[1]).toBe(expected[0]?.cosines[1]);
  });

  it('refuses keys that do not rise, and leaves nothing behind', async () => {
    const pages = vectorPages(testVectors(3), D, { keys: [1, 3, 2] });
    const error = await errorOf(
      buildSnapshot(root, { ...MODEL, kbSequence: 1 }, pages, namePages()),
    );
    expect(error.code).toBe('index-invalid');
    expect(error.message).toMatch(/Key 2 follows key 3/);
    expect(await readdir(root)).toEqual([]);
  });

  it('refuses vectors that are not normalised', async () => {
    for (const value of [0, NaN, 1]) {
      const pages = vectorPages(new Float32Array(D).fill(value), D);
      const work = buildSnapshot(root, { ...MODEL, kbSequence: 1 }, pages, namePages());
      expect((await errorOf(work)).message).toMatch(/vector of key 0 has length/);
    }
  });

  it('refuses vectors of another width', async () => {
    const pages = vectorPages(testVectors(3), D);
    const spec = { modelVersion: 'm1', dimensions: D / 2, kbSequence: 1 };
    const error = await errorOf(buildSnapshot(root, spec, pages, namePages()));
    expect(error.message).toMatch(/3 keys and 6 vectors/);
  });

  it('refuses a model version that is no folder name', async () => {
    const error = await errorOf(build({ modelVersion: '../m1' }));
    expect(error.message).toMatch(/do not make a folder name/);
  });

  it('leaves nothing visible when the pages break off', async () => {
    async function* broken(): AsyncGenerator<{ keys: number[]; vectors: Float32Array }> {
      yield* vectorPages(testVectors(10), D) as AsyncGenerator<{
        keys: number[];
        vectors: Float32Array;
      }>;
      throw new Error('the store went away');
    }
    await expect(
      buildSnapshot(root, { ...MODEL, kbSequence: 1 }, broken(), namePages()),
    ).rejects.toThrow('the store went away');
    expect(await readdir(root)).toEqual([]);
  });

  it('stops with the error of whoever listens to its progress', async () => {
    for (const stopAt of ['vectors', 'graph', 'names', 'verify']) {
      const stopped = new Error(`stopped at ${stopAt}`);
      const spec = { ...MODEL, kbSequence: 1, exactBelow: 0 };
      const work = buildSnapshot(
        root,
        spec,
        vectorPages(testVectors(20), D),
        namePages(['a']),
        ({ phase }) => {
          if (phase === stopAt) throw stopped;
        },
      );
      await expect(work).rejects.toBe(stopped);
      expect(await readdir(root)).toEqual([]);
    }
  });

  it('shows the folder only when it is whole', async () => {
    const seen: string[][] = [];
    const spec = { ...MODEL, kbSequence: 1, exactBelow: 0 };
    const pending: Promise<void>[] = [];
    await buildSnapshot(root, spec, vectorPages(testVectors(50), D), namePages(['a']), () => {
      pending.push(readdir(root).then((names) => void seen.push(names)));
    });
    await Promise.all(pending);
    expect(seen.length).toBeGreaterThan(50);
    const whole = await listSnapshots(root, 'm1');
    expect(whole).toHaveLength(1);
    for (const names of seen.slice(0, 3)) expect(names).not.toContain('m1-1');
  });

  it('replaces a folder of the same name, for a reader that has it open too', async () => {
    const old = await openSnapshot(await build({ count: 200 }), MODEL);
    const folder = await build({ count: 250 });
    const next = await openSnapshot(folder, MODEL);
    expect([old.vectors.size, next.vectors.size]).toEqual([200, 250]);
    expect(old.vectors.search(testVectors(1), 1)[0]?.keys).toEqual([0]);
    expect(await readdir(root)).toEqual(['m1-1']);
    old.vectors.close();
    next.vectors.close();
  });
});

describe('openSnapshot', () => {
  it('refuses a snapshot of another model or other dimensions', async () => {
    const folder = await build();
    for (const other of [
      { ...MODEL, modelVersion: 'm2' },
      { ...MODEL, dimensions: 64 },
    ]) {
      const error = await errorOf(openSnapshot(folder, other));
      expect(error.code).toBe('model-mismatch');
      expect(error.message).toMatch(/built for model m1 \(32 dimensions\)/);
    }
  });

  for (const name of FILES) {
    it(`refuses one whose ${name} is missing, cut, longer or altered`, async () => {
      const folder = await build();
      const path = join(folder, name);
      const whole = await readFile(path);
      const message = new RegExp(name.replace('.', '\\.'));

      await truncate(path, whole.length - 2); // the manifest ends with a line feed that it can do without
      await expectRefused(folder, 'index-invalid', message);
      await truncate(path, 0);
      await expectRefused(folder, 'index-invalid', message);
      await writeFile(path, whole);
      await appendFile(path, 'x');
      await expectRefused(folder, 'index-invalid', message);
      const altered = Buffer.from(whole);
      const middle = altered.length >> 1;
      altered[middle] = (altered[middle] ?? 0) ^ 0x80;
      await writeFile(path, altered);
      await expectRefused(folder, 'index-invalid', message);
      await rm(path);
      await expectRefused(folder, 'index-invalid', message);
      await writeFile(path, whole);
      (await openSnapshot(folder, MODEL)).vectors.close();
    });
  }

  it('refuses files of another snapshot', async () => {
    const a = await build({ count: 300, kbSequence: 1 });
    const b = await build({ count: 301, kbSequence: 2 });
    await rename(join(b, 'graph.usearch'), join(a, 'graph.usearch'));
    await expectRefused(a, 'index-invalid', /graph\.usearch is damaged: found \d+ bytes/);
  });

  it('refuses a manifest whose counts do not fit, or of a later format', async () => {
    const folder = await build();
    const path = join(folder, 'manifest.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"vectors": 300', '"vectors": 299'));
    await expectRefused(folder, 'index-invalid', /sizes that do not fit/);
    await writeFile(path, text.replace('"format": 1', '"format": 2'));
    await expectRefused(folder, 'index-invalid', /expected a manifest of format 1/);
  });

  it('refuses a folder that is not there', async () => {
    await expectRefused(join(root, 'm1-9'), 'index-invalid', /manifest\.json/);
  });
});
