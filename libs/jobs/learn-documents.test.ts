import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { listSnapshots } from '../index/snapshot.js';
import type { KbStore } from '../kb/kb-store.js';
import { SqliteCatalog } from '../kb/sqlite-catalog.js';
import { entity, importAll } from '../kb/testing/records.js';
import { makeSnapshot } from '../linking/snapshots.js';
import { fileSource } from './import-source.js';
import { learnDocuments, type LearnOptions } from './learn-documents.js';
import { forgetLearned } from './learn-page.js';

/** A line in which every `word` that is a key of `ids` is a mention. */
function line(text: string, ids: Readonly<Record<string, string | null>>): string {
  const mentions = Object.entries(ids).flatMap(([word, entityId]) =>
    Array.from(text.matchAll(new RegExp(word, 'g')), ({ index }) => ({
      ...{ start: index, end: index + word.length, text: word, entityId },
    })),
  );
  return JSON.stringify({ id: text, text, mentions });
}

const many = (count: number) =>
  Array.from({ length: count }, (_, at) => line(`Red ${at}`, { Red: 'mars' }));

describe('learnDocuments', () => {
  let dataDir: string;
  let catalog: SqliteCatalog;
  let store: KbStore;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'referent-learn-'));
    catalog = new SqliteCatalog({ dataDir });
    store = await catalog.openOrCreate('demo');
    await importAll(store, [entity({ id: 'mars', title: 'Mars' }), entity({ id: 'venus' })]);
  });
  afterEach(async () => {
    await catalog.close();
    rmSync(dataDir, { recursive: true });
  });

  async function learn(
    files: readonly (readonly string[] | Buffer)[],
    more: Partial<LearnOptions> = {},
  ) {
    const sources = files.map((content, at) => {
      const path = join(dataDir, `file${at}.jsonl`);
      writeFileSync(path, Buffer.isBuffer(content) ? content : content.join('\n'));
      return fileSource(path);
    });
    const derivedFolder = catalog.derivedFolder('demo');
    return learnDocuments({
      ...{ store, derivedFolder, partial: false, sources: await Promise.all(sources) },
      ...more,
    });
  }

  const countOf = async (name: string) =>
    (await store.names.exact([name])).get(name)?.[0]?.learned?.count ?? 0;

  it('learns files, gzipped too, and says what it learned', async () => {
    const packed = gzipSync(line('Mars and Atlantis', { Mars: 'mars', Atlantis: null }));
    const report = await learn([many(600), packed]);
    expect(report).toMatchObject({ learned: 601, known: 0, mentions: 602, badLines: 0 });
    expect(report.totals).toEqual({ documents: 601, mentions: 602, surfaces: 3 });
    expect(await countOf('red')).toBe(600);
  });

  it('learns nothing twice', async () => {
    await learn([many(300)]);
    const again = await learn([many(301), many(2)]);
    expect(again).toMatchObject({ learned: 1, known: 302, mentions: 1 });
    expect(await countOf('red')).toBe(301);
  });

  it('counts unmarked occurrences of names, and of surfaces that it met before', async () => {
    const lines = [line('Red is here', { Red: 'mars' }), line('Red Mars Venus', { Mars: 'mars' })];
    await learn([lines.slice(0, 1), lines.slice(1)]);
    const surfaces = await store.learned.surfaces(['red', 'mars', 'venus']);
    expect(surfaces.get('red')).toMatchObject({ seen: 2, marked: 1 });
    expect(surfaces.get('mars')).toMatchObject({ seen: 1, marked: 1 });
    expect(surfaces.get('venus')).toMatchObject({ seen: 1, marked: 0 });
  });

  it('counts no unmarked occurrence in texts that are marked in part', async () => {
    await learn([[line('Red Mars Venus', { Mars: 'mars' })]], { partial: true });
    expect((await store.learned.surfaces(['mars', 'venus'])).size).toBe(1);
  });

  it('reports bad lines with number and reason, and learns the others', async () => {
    const cut = JSON.stringify({ id: '', text: 'x', mentions: [{ start: 0, end: 9, entityId: null }] }); // prettier-ignore
    const report = await learn([['nonsense', ...many(1), '{"id":"a"}', cut]]);
    expect(report).toMatchObject({ learned: 1, badLines: 3 });
    expect(report.problems.map(({ line, reason }) => [line, reason])).toEqual([
      [1, expect.stringMatching(/^not JSON/)],
      [3, expect.stringMatching(/^text: /)],
      [4, expect.stringMatching(/^mention 0-9 is outside the text, which has 1/)],
    ]);
  });

  it('reports mentions of unknown entities, and leaves them out', async () => {
    const report = await learn([[line('Red Mars', { Red: 'pluto', Mars: 'mars' })]]);
    expect(report).toMatchObject({ learned: 1, mentions: 1, leftOut: 1 });
    expect(report.problems).toMatchObject([
      { kind: 'left-out', line: 1, reason: expect.stringMatching(/mention 0-3 is of "pluto"/) },
    ]);
  });

  it('stops at the first bad line when strict', async () => {
    const strict = learn([[...many(300), 'nonsense', ...many(301)]], { strict: true });
    await expect(strict).rejects.toThrow(/line 301: not JSON.*stays learned/);
    expect(await learn([many(301)])).toMatchObject({ known: 256, learned: 45 });
  });

  it('stops when told to, and goes on from there', async () => {
    const controller = new AbortController();
    const onProgress = () => {
      controller.abort();
    };
    const stopped = learn([many(1_000)], { signal: controller.signal, onProgress });
    await expect(stopped).rejects.toThrow(/was stopped/);
    expect(await learn([many(1_000)])).toMatchObject({ known: 256, learned: 744 });
  });

  it('keeps what it learned of a file that breaks off', async () => {
    const whole = gzipSync(many(3_000).join('\n'));
    const cut = learn([whole.subarray(0, whole.length - 200)]);
    await expect(cut).rejects.toThrow(/truncated or damaged.*stays and is not counted twice/);
    const { documents } = await store.learned.totals();
    expect(documents).toBeGreaterThan(0);
    expect(await learn([whole])).toMatchObject({ known: documents, learned: 3_000 - documents });
  });

  it('refuses a table', async () => {
    const path = join(dataDir, 'labels.csv');
    writeFileSync(path, 'id,text\n');
    const sources = [await fileSource(path)];
    await expect(learn([], { sources })).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('drops the indexes that a store restored from a copy left behind, before it learns or forgets', async () => {
    const model = { version: 'm', dimensions: 2 };
    const file = join(dataDir, 'kbs', 'demo', 'store.sqlite');
    const copy = join(dataDir, 'copy.sqlite');
    const folder = catalog.derivedFolder('demo');
    await catalog.close();
    const restored = async () => {
      rmSync(`${file}-wal`, { force: true });
      rmSync(`${file}-shm`, { force: true });
      cpSync(copy, file);
      store = await (catalog = new SqliteCatalog({ dataDir })).open('demo');
    };
    cpSync(file, copy);
    for (const change of [
      () => learn([many(1)]),
      () => forgetLearned({ store, derivedFolder: folder }),
    ]) {
      await restored();
      await importAll(store, [entity({ id: 'lost' })]);
      await makeSnapshot(store, model, folder);
      expect(await listSnapshots(folder, 'm')).toMatchObject([{ kbSequence: 3 }]);
      await catalog.close();
      await restored();
      await change();
      expect(await listSnapshots(folder, 'm')).toEqual([]);
      await catalog.close();
    }
    await restored();
  });

  it('drops the index that a dead import left, which would pass for one of what was learned', async () => {
    const model = { version: 'm', dimensions: 2 };
    const ghost = await catalog.openOrCreate('ghost');
    await importAll(
      ghost,
      Array.from({ length: 3 }, (_, at) => entity({ id: `g${at}` })),
    );
    const folder = catalog.derivedFolder('demo');
    mkdirSync(folder);
    await makeSnapshot(ghost, model, folder);
    expect(await listSnapshots(folder, 'm')).toMatchObject([{ kbSequence: 3 }]);
    await store.imports.begin();
    await store.imports.add([entity({ id: 'dead' })]);
    expect(await store.imports.preview()).toMatchObject({ sequence: 3 });
    await store.imports.discard();
    await learn([many(1)]);
    expect(await store.info()).toMatchObject({ sequence: 4 });
    expect(await listSnapshots(folder, 'm')).toEqual([]);
  });
});
