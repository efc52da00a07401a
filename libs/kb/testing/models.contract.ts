import { describe, expect, it } from '@jest/globals';
import type { ReembeddingProgress } from '../../contract/models-api.js';
import type { KbStore } from '../kb-store.js';
import { entity } from './records.js';
import type { Subject } from './subject.js';

const D = 4;
const vector = (value: number) => new Float32Array([value, 0.5, -0.25, 1]);
const TO_NEW = { target: 'new', model: 'folder-new' };

/** Imports entities with these ids, with vectors of the models. */
async function add(store: KbStore, ids: readonly string[], ...models: string[]): Promise<number[]> {
  await store.imports.begin();
  const { contentHashes } = await store.imports.add(ids.map((id) => entity({ id })));
  for (const model of models) await embed(store, model, contentHashes);
  await store.imports.commit();
  const found = await store.entities.byIds(ids);
  return ids.map((id) => found.get(id)?.key ?? NaN);
}

function embed(store: KbStore, model: string, hashes: readonly string[]): Promise<void> {
  const rows = hashes.map((contentHash, at) => ({ contentHash, vector: vector(at) }));
  return store.vectors.put(model, rows);
}

async function embedKeys(store: KbStore, model: string, keys: readonly number[]): Promise<void> {
  const found = await store.entities.byKeys(keys);
  await embed(store, model, Array.from(found.values(), ({ contentHash }) => contentHash));
}

const progress = (done: number): ReembeddingProgress => ({
  ...{ phase: 'embed', done, total: 9, perSecond: 1.5, secondsLeft: null, encoded: done },
  ...{ recall: null, at: '2030-01-01T00:00:00.000Z' },
});

export function modelsContract(subject: Subject): void {
  const another = () => subject().another().open('demo');

  describe('models', () => {
    it('are none at first', async () => {
      const { store } = subject();
      expect(await store.models.state()).toEqual({ active: null, previous: null, reembedding: null });
      expect(await store.info()).toMatchObject({ activeModel: null });
    });

    it('pins the one that is searched, and notes the one that is to be, for all processes', async () => {
      const { store } = subject();
      await add(store, ['a'], 'old');
      const state = await store.models.begin(TO_NEW, 'old');
      expect(state).toMatchObject({ active: 'old', previous: null });
      expect(state.reembedding).toMatchObject({ ...TO_NEW, problem: null, progress: null });
      expect(Date.parse(state.reembedding?.startedAt ?? '')).toBeGreaterThan(0);
      const other = await another();
      expect(await other.models.state()).toEqual(state);
      expect(await other.info()).toMatchObject({ activeModel: 'old' });
    });

    it('keeps the model that is active, whoever begins', async () => {
      const { store } = subject();
      await add(store, ['a'], 'old');
      await store.models.begin(TO_NEW, 'old');
      expect(await (await another()).models.begin(TO_NEW, 'other')).toMatchObject({ active: 'old' });
    });

    it('goes on with what is under way or had stopped, and refuses another target meanwhile', async () => {
      const { store } = subject();
      await add(store, ['a'], 'old');
      const { reembedding: first } = await store.models.begin(TO_NEW, 'old');
      const third = { target: 'third', model: 'folder-third' };
      await expect(store.models.begin(third, 'old')).rejects.toMatchObject({ code: 'busy' });
      await store.models.stop('the disk is full');
      expect((await store.models.state()).reembedding).toMatchObject({ problem: 'the disk is full' });
      const { reembedding: again } = await store.models.begin(TO_NEW, 'old');
      expect(again).toMatchObject({ problem: null, startedAt: first?.startedAt });
      await store.models.stop('the disk is full');
      const { reembedding } = await store.models.begin(third, 'old');
      expect(reembedding).toMatchObject({ ...third, problem: null, progress: null });
    });

    it('tells all processes how far it is, and nothing of another target', async () => {
      const { store } = subject();
      await add(store, ['a'], 'old');
      await store.models.report('new', progress(1));
      expect((await store.models.state()).reembedding).toBeNull();
      await store.models.begin(TO_NEW, 'old');
      await store.models.report('new', progress(2));
      await store.models.report('third', progress(3));
      expect((await (await another()).models.state()).reembedding?.progress).toEqual(progress(2));
    });

    it('forgets a cancelled one, and keeps its vectors', async () => {
      const { store } = subject();
      await add(store, ['a'], 'old', 'new');
      await store.models.begin(TO_NEW, 'old');
      await store.models.cancel();
      expect(await store.models.state()).toMatchObject({ active: 'old', reembedding: null });
      expect(await store.vectors.models()).toEqual(new Map([['old', 1], ['new', 1]])); // prettier-ignore
    });

    it('is activated when every entity has a vector, and not before', async () => {
      const { store } = subject();
      const keys = await add(store, ['a', 'b', 'c'], 'old');
      await store.models.begin(TO_NEW, 'old');
      await embedKeys(store, 'new', keys.slice(0, 1));
      expect(await store.models.activate('new')).toEqual({ missing: 2 });
      expect(await store.info()).toMatchObject({ activeModel: 'old' });
      await embedKeys(store, 'new', keys);
      const { sequence } = await store.info();
      expect(await store.models.activate('new')).toEqual({ missing: 0 });
      const state = { active: 'new', previous: 'old', reembedding: null };
      expect(await (await another()).models.state()).toEqual(state);
      expect(await store.info()).toMatchObject({ activeModel: 'new', sequence });
    });

    it('is activated once, where two processes do so', async () => {
      const { store } = subject();
      await add(store, ['a'], 'old', 'new');
      const other = await another();
      await store.models.begin(TO_NEW, 'old');
      const both = [store.models.activate('new'), other.models.activate('new')];
      expect(await Promise.all(both)).toEqual([{ missing: 0 }, { missing: 0 }]);
      expect(await store.models.state()).toMatchObject({ active: 'new', previous: 'old' });
    });

    it('is not activated where that is not under way: cancelled, stopped, or never begun', async () => {
      const { store } = subject();
      await add(store, ['a'], 'old', 'new');
      await store.models.activate('new');
      expect(await store.models.state()).toMatchObject({ active: null });
      await store.models.begin(TO_NEW, 'old');
      await store.models.stop('the check failed');
      await store.models.activate('new');
      expect(await store.models.state()).toMatchObject({ active: 'old' });
      await store.models.cancel();
      await store.models.activate('new');
      expect(await store.models.state()).toMatchObject({ active: 'old', previous: null });
    });

    it('goes back to the one before, which then can come again', async () => {
      const { store } = subject();
      await add(store, ['a'], 'old', 'new');
      await store.models.begin(TO_NEW, 'old');
      await store.models.activate('new');
      await store.models.begin({ target: 'old', model: 'folder-old' }, 'new');
      await store.models.activate('old');
      expect(await store.models.state()).toMatchObject({ active: 'old', previous: 'new' });
    });

    it('ends where the target is the active one already, and the previous one stays', async () => {
      const { store } = subject();
      await add(store, ['a'], 'old');
      await store.models.begin({ target: 'old', model: 'folder-old' }, 'old');
      await store.models.activate('old');
      const state = { active: 'old', previous: null, reembedding: null };
      expect(await store.models.state()).toEqual(state);
    });

    it('is not activated while an import runs, whose entities are embedded under the active one', async () => {
      const { store } = subject();
      await add(store, ['a'], 'old', 'new');
      const other = await another();
      await store.models.begin(TO_NEW, 'old');
      await other.imports.begin();
      await expect(store.models.activate('new')).rejects.toMatchObject({ code: 'busy' });
      await other.imports.discard();
      expect(await store.models.activate('new')).toEqual({ missing: 0 });
    });

    it('is led by one process at a time', async () => {
      const { store } = subject();
      const other = await another();
      const leadership = await store.models.lead();
      expect(leadership).not.toBeNull();
      expect(await other.models.lead()).toBeNull();
      await leadership?.release();
      const next = await other.models.lead();
      expect(next).not.toBeNull();
      expect(await store.models.lead()).toBeNull();
      await next?.release();
    });
  });

  describe('vectors of several models', () => {
    it('says which entities have none, in key order and by pages', async () => {
      const { store } = subject();
      const keys = await add(store, ['a', 'b', 'c', 'd', 'e'], 'old');
      const [a = NaN, b = NaN, c = NaN, d = NaN] = keys;
      const without = (page: { afterKey: number; throughKey?: number; limit: number }) =>
        store.vectors.entitiesWithout('new', page);
      expect(await without({ afterKey: 0, limit: 9 })).toEqual(keys);
      await embedKeys(store, 'new', [b]);
      expect(await without({ afterKey: 0, limit: 2 })).toEqual([a, c]);
      expect(await without({ afterKey: c, limit: 1 })).toEqual([d]);
      expect(await without({ afterKey: a, throughKey: d, limit: 9 })).toEqual([c, d]);
      expect(await without({ afterKey: a, throughKey: b, limit: 9 })).toEqual([]);
    });

    it('counts them by model, and removes those of all but some', async () => {
      const { store } = subject();
      const keys = await add(store, ['a', 'b'], 'old', 'new');
      await embedKeys(store, 'third', keys.slice(1));
      expect(await store.vectors.models()).toEqual(
        new Map([['old', 2], ['new', 2], ['third', 1]]), // prettier-ignore
      );
      await store.vectors.keepOnly(['new', 'old', 'never-there']);
      expect(await store.vectors.models()).toEqual(new Map([['old', 2], ['new', 2]])); // prettier-ignore
      const page = await store.vectors.ofKeys('new', keys);
      expect(page.vectors).toHaveLength(2 * D);
      await store.vectors.keepOnly(['new']);
      expect((await store.vectors.ofKeys('old', keys)).keys).toEqual([]);
      expect((await store.vectors.ofKeys('new', keys)).keys).toEqual(keys);
    });
  });
}
