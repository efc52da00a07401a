import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { dropSnapshotsAfter, listSnapshots, pendingRoot } from '../index/snapshot.js';
import type { KbStore } from '../kb/kb-store.js';
import { SqliteCatalog } from '../kb/sqlite-catalog.js';
import type { EntityEncoder } from './embedder.js';
import { importEntities, type ImportOptions } from './import-entities.js';
import type { ImportProgress } from './import-progress.js';
import type { ImportProblem } from './import-report.js';
import { fileSource } from './import-source.js';

const D = 8;

/** Vectors from a hash of the title, counting what is asked of it; a real model takes a minute for these tests. */
class HashEncoder implements EntityEncoder {
  readonly manifest = { version: 'hash-1', dimensions: D };
  readonly calls: number[] = [];
  onCall: () => void = () => undefined;

  async encodeEntities(entities: readonly { readonly title: string }[]): Promise<Float32Array> {
    this.calls.push(entities.length);
    this.onCall();
    await new Promise((resolve) => setTimeout(resolve, 1));
    return Float32Array.from(entities.flatMap(({ title }) => unitVector(title)));
  }
}

function unitVector(text: string): number[] {
  const values = [...createHash('sha256').update(text).digest().subarray(0, D)].map(
    (x) => x - 127.5,
  );
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

const lines = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) =>
    JSON.stringify({ id: `e${from + at}`, title: `Title ${from + at}` }),
  );

describe('importEntities', () => {
  let dataDir: string;
  let catalog: SqliteCatalog;
  let store: KbStore;
  let model: HashEncoder;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'referent-import-'));
    catalog = new SqliteCatalog({ dataDir });
    store = await catalog.openOrCreate('demo');
    model = new HashEncoder();
  });
  afterEach(async () => {
    await catalog.close();
    rmSync(dataDir, { recursive: true });
  });

  const folder = () => catalog.derivedFolder('demo');
  async function run(files: readonly (string[] | Buffer)[], more: Partial<ImportOptions> = {}) {
    const sources = files.map(async (content, index) => {
      const path = join(dataDir, `file${index}.jsonl`);
      writeFileSync(path, Buffer.isBuffer(content) ? content : content.join('\n'));
      return fileSource(path);
    });
    return importEntities({
      ...{ store, model, derivedFolder: folder() },
      sources: await Promise.all(sources),
      ...more,
    });
  }
  const sequence = async () => (await store.info()).sequence;

  it('imports, encodes and indexes; a second run has nothing to do', async () => {
    const report = await run([lines(1_300)]);
    expect(report).toMatchObject({ added: 1_300, encoded: 1_300, records: 1_300, indexed: true });
    expect(Math.max(...model.calls)).toBe(64);
    expect(model.calls).toHaveLength(8 + 8 + 5);
    const [snapshot] = await listSnapshots(folder(), 'hash-1');
    expect(snapshot).toMatchObject({ kbSequence: await sequence(), vectors: 1_300 });
    const again = await run([lines(1_300)]);
    expect(again).toMatchObject({ added: 0, unchanged: 1_300, encoded: 0, indexed: false });
    expect(model.calls).toHaveLength(8 + 8 + 5);
  });

  it('encodes only what is new, and equal content once', async () => {
    await run([lines(100)]);
    const twins = ['x', 'y'].map((id) => JSON.stringify({ id, title: 'twin' }));
    const changed = JSON.stringify({ id: 'e5', title: 'Title 5', data: { note: 'not encoded' } });
    const report = await run([[...lines(100), ...twins, changed]]);
    expect(report).toMatchObject({ added: 2, changed: 1, unchanged: 99, encoded: 1 });
    const [x] = (await store.entities.byIds(['x'])).values();
    const page = await store.vectors.ofKeys('hash-1', [x?.key ?? -1]);
    expect([...page.vectors]).toEqual([...Float32Array.from(unitVector('twin'))]);
  });

  it('leaves the index alone when little changed', async () => {
    await run([lines(200)]);
    expect(await run([lines(10, 200)])).toMatchObject({ added: 10, indexed: false });
    expect(await run([lines(30, 210)])).toMatchObject({ added: 30, indexed: true });
    expect(await listSnapshots(folder(), 'hash-1')).toHaveLength(2);
  });

  it('builds an index for another model of the same entities', async () => {
    await run([lines(20)]);
    const other = Object.assign(new HashEncoder(), {
      manifest: { version: 'hash-2', dimensions: D },
    });
    const report = await run([lines(20)], { model: other });
    expect(report).toMatchObject({ unchanged: 20, encoded: 20, indexed: true });
    expect(await listSnapshots(folder(), 'hash-2')).toMatchObject([
      { kbSequence: 20, vectors: 20 },
    ]);
  });

  it('reports bad lines and duplicates with their places, over several files', async () => {
    const heard: ImportProblem[] = [];
    const first = [...lines(3), 'bad', JSON.stringify({ id: 'e1', title: 'again' })];
    const second = ['{"id":"e0","title":"later","extra":1}', 'bad too'];
    const report = await run([first, second], { onProblem: (problem) => heard.push(problem) });
    expect(report).toMatchObject({ added: 3, badLines: 2, duplicates: 2, problems: heard });
    expect(heard.map(({ kind, source, line }) => [kind, source.slice(-11), line])).toEqual([
      ['bad-line', 'file0.jsonl', 4],
      ['duplicate-id', 'file0.jsonl', 5],
      ['bad-line', 'file1.jsonl', 2],
      ['unknown-field', 'file1.jsonl', 1],
      ['duplicate-id', 'file1.jsonl', 1],
    ]);
    expect(heard[1]?.reason).toMatch(/"e1" is also in .*file0\.jsonl, line 2/);
    expect(heard[4]?.reason).toMatch(/"e0" is also in .*file0\.jsonl, line 1/);
    const [e0] = (await store.entities.byIds(['e0'])).values();
    expect(e0?.record).toMatchObject({ title: 'later', data: { extra: 1 } });
  });

  it('stops at the first bad line when strict, with nothing visible', async () => {
    const strict = run([[...lines(600), 'bad', ...lines(1, 600)]], { strict: true });
    await expect(strict).rejects.toThrow(
      /file0\.jsonl, line 601: not JSON.*nothing of it became visible/,
    );
    expect(await store.info()).toMatchObject({ entities: 0, sequence: 0 });
    expect(await run([lines(600)])).toMatchObject({ added: 600, encoded: 88 });
  });

  it('makes nothing visible of a truncated file, and does not encode its beginning twice', async () => {
    const whole = gzipSync(lines(3_000).join('\n'));
    const cut = run([whole.subarray(0, whole.length - 2_000)]);
    await expect(cut).rejects.toMatchObject({ code: 'import-failed' });
    expect(await store.info()).toMatchObject({ entities: 0 });
    const kept = model.calls.reduce((sum, count) => sum + count, 0);
    expect(kept).toBeGreaterThan(1_000);
    expect(await run([whole])).toMatchObject({ added: 3_000, encoded: 3_000 - kept });
  });

  it('stops when told to, keeps what is encoded, and goes on from there', async () => {
    const controller = new AbortController();
    model.onCall = () => {
      if (model.calls.length === 3) controller.abort();
    };
    const stopped = run([lines(2_600)], { signal: controller.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'import-failed' });
    await expect(stopped).rejects.toThrow(/was stopped.*as it was/);
    expect(await store.info()).toMatchObject({ entities: 0 });
    const kept = model.calls.reduce((sum, count) => sum + count, 0);
    expect(await run([lines(2_600)])).toMatchObject({ added: 2_600, encoded: 2_600 - kept });
  });

  it('has at most 192 entities under way that are not stored, and stops within a page', async () => {
    const controller = new AbortController();
    const unstored: number[] = [];
    let taken = 0;
    let stored = 0;
    model.onCall = () => {
      taken += model.calls.at(-1) ?? 0;
      unstored.push(taken - stored);
      if (model.calls.length === 5) controller.abort();
    };
    const put: typeof store.vectors.put = async (version, rows) => {
      await store.vectors.put(version, rows);
      stored += rows.length;
    };
    const counting = Object.assign(Object.create(store) as KbStore, {
      vectors: Object.assign(Object.create(store.vectors) as KbStore['vectors'], { put }),
    });
    const stopped = run([lines(512)], { store: counting, signal: controller.signal });
    await expect(stopped).rejects.toThrow(/was stopped/);
    expect(Math.max(...unstored)).toBe(192);
    expect([model.calls.length, stored]).toEqual([5, 320]);
    model.onCall = () => undefined;
    expect(await run([lines(512)])).toMatchObject({ added: 512, encoded: 192 });
  });

  it.each(['index', 'commit'] as const)(
    'can be stopped before the %s is through',
    async (phase) => {
      const controller = new AbortController();
      const onProgress = (progress: ImportProgress) => {
        if (progress.phase === phase) controller.abort();
      };
      const stopped = run([lines(3_000)], { signal: controller.signal, onProgress });
      if (phase === 'commit') expect(await stopped).toMatchObject({ added: 3_000 });
      else await expect(stopped).rejects.toThrow(/was stopped/);
      const entities = phase === 'commit' ? 3_000 : 0;
      expect(await store.info()).toMatchObject({ entities });
    },
  );

  it('fails with the model, and can be run again', async () => {
    model.onCall = () => {
      if (model.calls.length === 2) throw new Error('out of memory');
    };
    await expect(run([lines(3_000)])).rejects.toThrow('out of memory');
    expect(await store.info()).toMatchObject({ entities: 0 });
    model.onCall = () => undefined;
    expect(await run([lines(3_000)])).toMatchObject({ added: 3_000 });
  });

  it('shows no index that an import built and never committed, and removes it', async () => {
    await run([lines(100)]);
    const before = await listSnapshots(folder(), 'hash-1');
    const broken = Object.assign(Object.create(store) as KbStore, {
      imports: Object.assign(Object.create(store.imports) as KbStore['imports'], {
        commit: () => Promise.reject(new Error('killed here')),
      }),
    });
    await expect(run([lines(100, 100)], { store: broken })).rejects.toThrow('killed here');
    expect(await listSnapshots(folder(), 'hash-1')).toEqual(before);
    expect(await listSnapshots(pendingRoot(folder()), 'hash-1')).toHaveLength(1);
    await run([lines(1)]);
    expect(await listSnapshots(folder(), 'hash-1')).toEqual(before);
    expect(await listSnapshots(pendingRoot(folder()), 'hash-1')).toEqual([]);
    expect(await dropSnapshotsAfter(folder(), await sequence())).toEqual([]);
  });

  it('is refused while another import runs', async () => {
    await store.imports.begin();
    await expect(run([lines(1)])).rejects.toMatchObject({ code: 'busy' });
    await store.imports.add([]);
    expect(await store.imports.commit()).toMatchObject({ added: 0 });
  });

  it('says how far it is, from the bytes where the count is not known', async () => {
    const seen: ImportProgress[] = [];
    await run([lines(10_000)], { onProgress: (progress) => seen.push(progress) });
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['encode', 'index', 'commit']);
    const half = seen.find(({ done }) => done > 4_000 && done < 6_000);
    expect(half?.total).toBeGreaterThan(7_000);
    expect(half?.total).toBeLessThan(13_000);
    expect(half?.rate).toBeGreaterThan(0);
    expect(half?.etaSeconds).toBeGreaterThan(0);
    const reading = seen.filter(({ phase }) => phase === 'encode').map(({ done }) => done);
    expect(reading).toEqual([...reading].sort((a, b) => a - b));
    expect(reading.at(-1)).toBe(10_000);
    expect(seen.at(-1)).toMatchObject({
      phase: 'commit',
      done: 10_000,
      total: 10_000,
      etaSeconds: 0,
    });
  });

  it('takes nothing at all', async () => {
    expect(await run([[]])).toMatchObject({ added: 0, records: 0, indexed: false });
    expect(await store.info()).toMatchObject({ sequence: 0 });
  });
});
