import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { symlink } from 'node:fs/promises';
import { randomSource } from '../index/testing/vectors.js';
import { listSnapshots } from '../index/snapshot.js';
import { HOMONYMS } from '../../test/support/homonyms.js';
import { smallDisk } from '../../test/support/small-disk.js';
import { modelsFolder, type ModelsFolder } from '../../test/support/models-folder.js';
import { ReembedNode } from '../../test/support/reembed-node.js';
import {
  addEntities,
  temporaryCatalog,
  type TemporaryCatalog,
} from '../../test/support/small-kb.js';
import { entityRecord } from '../contract/entity.js';
import type { KbStore } from '../kb/kb-store.js';
import { entityText } from '../linking/records.js';

const SINGER = 'Freddie Mercury sang for Queen.';

let temporary: TemporaryCatalog;
let folder: ModelsFolder;
let node: ReembedNode;
let store: KbStore;
let own: string;
let second: string;

beforeEach(async () => {
  temporary = await temporaryCatalog();
  folder = await modelsFolder('second', 'third');
  node = await ReembedNode.open(temporary.dataDir, folder.modelsDir);
  own = (await node.pool.byDefault()).version;
  second = (await node.pool.named('second')).version;
  store = await node.catalog.openOrCreate('kb');
  await add(HOMONYMS);
});

afterEach(async () => {
  await node.close();
  await temporary.remove();
  await folder.remove();
});

/** Imports under a model; the shipped one unless told. */
async function add(records: readonly (typeof HOMONYMS)[number][], version = own): Promise<void> {
  const { model, release } = await node.pool.acquire(version);
  await addEntities(store, model, records);
  release();
}

const missing = (version: string) =>
  store.vectors.entitiesWithout(version, { afterKey: 0, limit: 1_000 });

const linkedOf = (text: string) =>
  node.kbs.use('kb', async ({ linker }) => {
    const { decisions, versions } = await linker.annotate({ text });
    const keys = decisions.flatMap(({ key }) => key ?? []);
    const found = await store.entities.byKeys(keys);
    return { ids: [...found.values()].map(({ record }) => record.id), model: versions.model };
  });

const entity = (id: string, title: string, description = '') =>
  entityRecord.parse({ id, title, description });

describe('a re-embedding', () => {
  test('ends with the KB searched with the new model, and the old one to go back to', async () => {
    const begun = await node.reembedder.begin('kb', 'second');
    expect(begun).toMatchObject({ active: own, reembedding: { target: second, model: 'second' } });
    expect(await node.ended('kb')).toEqual({ active: second, previous: own, reembedding: null });
    expect(await missing(second)).toEqual([]);
    const { ids, model } = await linkedOf(SINGER);
    expect(ids).toContain('freddie-mercury');
    expect(model.startsWith(second)).toBe(true);
    const [snapshot] = await listSnapshots(node.catalog.derivedFolder('kb'), second);
    expect(snapshot).toMatchObject({ vectors: HOMONYMS.length });
  });

  test('encodes what has no vector yet, and nothing else', async () => {
    const { model } = await node.pool.acquire(second);
    const half = HOMONYMS.slice(0, 10);
    const vectors = await model.encodeEntities(half.map(entityText));
    const found = await store.entities.byIds(half.map(({ id }) => id));
    const rows = half.map(({ id }, row) => ({
      contentHash: found.get(id)?.contentHash ?? '',
      vector: vectors.slice(row * 384, (row + 1) * 384),
    }));
    await store.vectors.put(second, rows);
    const encoded: number[] = [];
    const report = store.models.report.bind(store.models);
    store.models.report = (target, progress) => {
      encoded.push(progress.encoded);
      return report(target, progress);
    };
    await node.reembedder.begin('kb', 'second');
    await node.ended('kb');
    expect(Math.max(...encoded)).toBe(HOMONYMS.length - 10);
  });

  test('says how far it is to any process, and what the check found to the log', async () => {
    const seen = new Set<string>();
    const report = store.models.report.bind(store.models);
    store.models.report = async (target, progress) => {
      await report(target, progress);
      const other = await temporary.catalog.open('kb');
      const { reembedding } = await other.models.state();
      expect(reembedding?.progress).toEqual(progress);
      seen.add(progress.phase);
    };
    await node.reembedder.begin('kb', 'second');
    await node.ended('kb');
    expect(seen).toEqual(new Set(['embed', 'index', 'check', 'swap']));
    expect(node.said).toEqual(['A new index was checked.']);
  });

  test('takes in entities that are imported meanwhile under the model that is active', async () => {
    await node.reembedder.begin('kb', 'second');
    await add([entity('late', 'Latecomer', 'Came while others were embedded.')]);
    await node.ended('kb');
    expect(await missing(second)).toEqual([]);
    expect((await linkedOf('Nobody waits for the Latecomer.')).ids).toEqual(['late']);
  });

  test('waits for an import that is open, and takes its entities in', async () => {
    await store.imports.begin();
    await node.reembedder.begin('kb', 'second');
    const { model } = await node.pool.acquire(own);
    const record = entity('late', 'Latecomer', 'Came with an import that took its time.');
    const { contentHashes } = await store.imports.add([record]);
    const vector = await model.encodeEntities([entityText(record)]);
    await store.vectors.put(own, [{ contentHash: contentHashes[0] ?? '', vector }]);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await store.models.state()).toMatchObject({
      active: own,
      reembedding: { problem: null },
    });
    await store.imports.commit();
    expect(await node.ended('kb')).toMatchObject({ active: second });
    expect(await missing(second)).toEqual([]);
  });

  test('is done by one of two processes that are asked at once', async () => {
    const other = await ReembedNode.open(temporary.dataDir, folder.modelsDir);
    try {
      await Promise.all([
        node.reembedder.begin('kb', 'second'),
        other.reembedder.begin('kb', 'second'),
      ]);
      expect(await other.ended('kb')).toEqual({ active: second, previous: own, reembedding: null });
    } finally {
      await other.close();
    }
  });

  test('ends well where two processes publish at once', async () => {
    const other = await ReembedNode.open(temporary.dataDir, folder.modelsDir);
    try {
      await store.models.begin({ target: second, model: 'second' }, own);
      await node.queue.run(
        'embed',
        { kb: 'kb', model: 'second', version: second, afterKey: 0, throughKey: 256 },
        { lane: 'batch' },
      );
      const publish = (one: ReembedNode) =>
        one.queue.run('publish', { kb: 'kb' }, { lane: 'batch' });
      const done = await Promise.all([publish(node), publish(other)]);
      expect(done.some(({ published }) => published)).toBe(true);
      expect(await store.models.state()).toEqual({
        active: second,
        previous: own,
        reembedding: null,
      });
      expect((await linkedOf(SINGER)).ids).toContain('freddie-mercury');
    } finally {
      await other.close();
    }
  });

  test('is published with what was written after its page was embedded', async () => {
    await store.models.begin({ target: second, model: 'second' }, own);
    const page = { model: 'second', version: second, afterKey: 0, throughKey: 256 };
    await node.queue.run('embed', { kb: 'kb', ...page }, { lane: 'batch' });
    await add([entity('late', 'Latecomer', 'Came after all pages were embedded.')]);
    expect(await missing(second)).toHaveLength(1);
    expect(await node.queue.run('publish', { kb: 'kb' }, { lane: 'batch' })).toEqual({
      published: true,
    });
    expect(await missing(second)).toEqual([]);
    expect((await linkedOf('Nobody waits for the Latecomer.')).ids).toEqual(['late']);
  });

  test('goes on in another process when its own is gone', async () => {
    await store.models.begin({ target: second, model: 'second' }, own);
    const other = await ReembedNode.open(temporary.dataDir, folder.modelsDir);
    await other.reembedder.tend();
    await other.close();
    await node.reembedder.tend();
    expect(await node.ended('kb')).toMatchObject({ active: second });
  });

  test('can be cancelled, and taken up again', async () => {
    await node.reembedder.begin('kb', 'second');
    expect(await node.reembedder.cancel('kb')).toMatchObject({ active: own, reembedding: null });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await node.reembedder.state('kb')).toMatchObject({ active: own, previous: null });
    await node.reembedder.begin('kb', 'second');
    expect(await node.ended('kb')).toMatchObject({ active: second });
  });

  test('is refused while another model is under way, for a model or a KB that there is not', async () => {
    const third = (await node.pool.named('third')).version;
    await store.models.begin({ target: third, model: 'third' }, own);
    await expect(node.reembedder.begin('kb', 'second')).rejects.toMatchObject({ code: 'busy' });
    await expect(node.reembedder.begin('kb', 'fourth')).rejects.toMatchObject({
      code: 'invalid-input',
    });
    await expect(node.reembedder.begin('none', 'second')).rejects.toMatchObject({
      code: 'kb-not-found',
    });
  });

  test('has nothing to do for the model that the KB is searched with', async () => {
    const state = { active: null, previous: null, reembedding: null };
    expect(await node.reembedder.begin('kb', 'referent-v1')).toEqual(state);
  });

  test('keeps the vectors and the indexes of two models, and drops those of others', async () => {
    await node.reembedder.begin('kb', 'second');
    await node.ended('kb');
    await node.reembedder.begin('kb', 'third');
    const { active, previous } = await node.ended('kb');
    expect(previous).toBe(second);
    expect([...(await store.vectors.models()).keys()].sort()).toEqual([active, previous].sort());
    const folder = node.catalog.derivedFolder('kb');
    expect(await listSnapshots(folder, own)).toEqual([]);
    expect(await listSnapshots(folder, second)).toHaveLength(1);
  });
});

describe('a KB that this process cannot search by its own model', () => {
  test('is searched with the one that its vectors are of, while it is embedded under the other', async () => {
    const records = [entity('a', 'Alpha', 'The first letter.'), entity('b', 'Beta')];
    store = await node.catalog.openOrCreate('elsewhere');
    await add(records, second);
    const state = await node.reembedder.begin('elsewhere', 'referent-v1');
    expect(state).toMatchObject({ active: second, reembedding: { target: own } });
    expect(await node.ended('elsewhere')).toMatchObject({ active: own, previous: second });
  });
});

describe('an index that fails its check', () => {
  test('is not used, and why is said; asked again, its vectors are made anew', async () => {
    const random = randomSource(5);
    const rows = (await allEntities()).map(({ contentHash }) => {
      const vector = Float32Array.from({ length: 384 }, () => random() - 0.5);
      return { contentHash, vector: vector.map((value) => value / Math.hypot(...vector)) };
    });
    await store.vectors.put(second, rows);
    await node.reembedder.begin('kb', 'second');
    const { active, reembedding } = await node.ended('kb');
    expect(active).toBe(own);
    expect(reembedding?.problem).toMatch(/24 sampled entities 0 have the vector .* ask again/);
    expect((await linkedOf(SINGER)).ids).toContain('freddie-mercury');
    expect(await listSnapshots(node.catalog.derivedFolder('kb'), second)).toEqual([]);
    await node.reembedder.begin('kb', 'second');
    expect(await node.ended('kb')).toMatchObject({ active: second });
  });

  test('nor is one whose vectors are no vectors', async () => {
    const rows = (await allEntities()).map(({ contentHash }) => ({
      contentHash,
      vector: new Float32Array(384),
    }));
    await store.vectors.put(second, rows);
    await node.reembedder.begin('kb', 'second');
    const { active, reembedding } = await node.ended('kb');
    expect(active).toBe(own);
    expect(reembedding?.problem).toMatch(/length 0/);
    await node.reembedder.begin('kb', 'second');
    expect(await node.ended('kb')).toMatchObject({ active: second });
  });
});

describe('a disk that is full', () => {
  test('leaves the KB with its model; asked again when there is room, it is done', async () => {
    const disk = smallDisk(16_384);
    try {
      await symlink(disk.path, node.catalog.derivedFolder('kb'));
      await node.reembedder.begin('kb', 'second');
      const { active, reembedding } = await node.ended('kb');
      expect(active).toBe(own);
      expect(reembedding?.problem).toMatch(/free|room|space/);
      expect((await linkedOf(SINGER)).ids).toContain('freddie-mercury');
      expect(await missing(second)).toEqual([]);
      disk.resize(4_194_304);
      await node.reembedder.begin('kb', 'second');
      expect(await node.ended('kb')).toMatchObject({ active: second });
      await node.kbs.close();
    } finally {
      await node.close();
      disk.remove();
    }
  });
});

describe('a rollback', () => {
  test('makes the model before the active one, with what was written since', async () => {
    await node.reembedder.begin('kb', 'second');
    await node.ended('kb');
    await add([entity('late', 'Latecomer', 'Written under the second model.')], second);
    expect(await missing(own)).toHaveLength(1);
    await node.reembedder.rollBack('kb');
    expect(await node.ended('kb')).toEqual({ active: own, previous: second, reembedding: null });
    expect((await linkedOf('Nobody waits for the Latecomer.')).ids).toEqual(['late']);
    await node.reembedder.rollBack('kb');
    expect(await node.ended('kb')).toMatchObject({ active: second, previous: own });
  });

  test('is refused where there is no model before', async () => {
    await expect(node.reembedder.rollBack('kb')).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('nothing to go back to'),
    });
  });
});

async function allEntities() {
  const all = [];
  for await (const page of store.entities.scan()) all.push(...page);
  return all;
}
