import { describe, expect, it } from '@jest/globals';
import type { KbStore } from '../kb-store.js';
import type { Subject } from './subject.js';
import { collect, entity, importAll } from './records.js';

const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => entity({ id: `e${from + index}` }));

async function allChanges(store: KbStore, page: number) {
  const changes = [];
  let last = 0;
  for (;;) {
    const next = await store.changesSince(last, page);
    changes.push(...next);
    if (next.length === 0) return changes;
    last = next.at(-1)?.sequence ?? last;
  }
}

export function importContract(subject: Subject): void {
  describe('import', () => {
    it('is invisible until it commits, to this process and to another', async () => {
      const { store, another } = subject();
      const other = await another().open('demo');
      await store.imports.begin();
      await store.imports.add(many(3));
      for (const reader of [store, other]) {
        expect(await reader.info()).toMatchObject({ entities: 0, sequence: 0 });
        expect((await reader.entities.byIds(['e1'])).size).toBe(0);
      }
      await store.imports.commit();
      for (const reader of [store, other]) {
        expect(await reader.info()).toMatchObject({ entities: 3, sequence: 3, names: 3 });
        expect((await reader.entities.byIds(['e1'])).size).toBe(1);
      }
    });

    it('tells readers nothing of a commit under way', async () => {
      const { store, another } = subject();
      const other = await another().open('demo');
      await store.imports.begin();
      await store.imports.add(many(3_000));
      const seen: number[] = [];
      await store.imports.commit({
        onProgress: () => {
          void other.info().then(({ entities }) => seen.push(entities));
        },
      });
      expect(seen.length).toBeGreaterThan(1);
      expect(new Set(seen)).toEqual(new Set([0]));
      expect(await other.info()).toMatchObject({ entities: 3_000 });
    });

    it('counts what is added, changed and unchanged, and keeps keys', async () => {
      const { store } = subject();
      await importAll(store, many(4));
      const before = await store.entities.byIds(['e0', 'e1']);
      await store.imports.begin();
      const changed = entity({ id: 'e1', description: 'now with a description' });
      await store.imports.add([...many(1), changed, ...many(2, 10)]);
      const report = { added: 2, changed: 1, unchanged: 1 };
      expect(await store.imports.preview()).toMatchObject(report);
      expect(await store.imports.commit()).toMatchObject(report);
      const after = await store.entities.byIds(['e0', 'e1', 'e10']);
      expect(after.get('e0')).toEqual(before.get('e0'));
      expect(after.get('e1')?.key).toBe(before.get('e1')?.key);
      expect(after.get('e1')?.record).toEqual(changed);
      expect(after.get('e1')?.contentHash).not.toBe(before.get('e1')?.contentHash);
      expect(await store.info()).toMatchObject({ entities: 6, names: 6 });
    });

    it('changes nothing, not even the sequence, when everything is unchanged', async () => {
      const { store } = subject();
      await importAll(store, many(3));
      const before = await store.info();
      expect(await importAll(store, many(3))).toMatchObject({ added: 0, changed: 0, unchanged: 3 });
      expect(await store.info()).toEqual(before);
    });

    it('takes the last of records with the same id, and reports both positions', async () => {
      const { store } = subject();
      const version = (title: string) => entity({ id: 'same', title });
      await store.imports.begin();
      const first = await store.imports.add([version('one'), version('two'), ...many(1)], [5, 6, 7]);
      expect(first.duplicates).toEqual([{ id: 'same', earlier: 5, later: 6 }]);
      const second = await store.imports.add([version('three')], [9]);
      expect(second.duplicates).toEqual([{ id: 'same', earlier: 6, later: 9 }]);
      expect(await store.imports.commit()).toMatchObject({ added: 2 });
      const names = await collect(store.names.scan({ withStaged: false }));
      expect(names.sort()).toEqual(['e0', 'three']);
      expect(await store.info()).toMatchObject({ names: 2 });
      expect(await store.names.lexical({ mention: ['two'], context: [] }, 5)).toEqual([]);
    });

    it('sees a record that goes back to what is stored as unchanged', async () => {
      const { store } = subject();
      await importAll(store, many(1));
      await store.imports.begin();
      await store.imports.add([entity({ id: 'e0', title: 'other' })]);
      const { duplicates } = await store.imports.add(many(1));
      expect(duplicates).toHaveLength(1);
      expect(await store.imports.commit()).toMatchObject({ changed: 0, unchanged: 1 });
      expect([...(await store.names.exact(['e0', 'other'])).keys()]).toEqual(['e0']);
    });

    it('leaves no trace when discarded, but keeps vectors', async () => {
      const { store } = subject();
      await importAll(store, many(1));
      const before = await store.info();
      await store.imports.begin();
      const { contentHashes } = await store.imports.add([entity({ id: 'e0', title: 'x' })]);
      const rows = contentHashes.map((contentHash) => ({
        contentHash,
        vector: new Float32Array([1, 0]),
      }));
      await store.vectors.put('m', rows);
      await store.imports.discard();
      expect(await store.info()).toEqual(before);
      expect([...(await store.names.exact(['e0', 'x'])).keys()]).toEqual(['e0']);
      expect((await store.vectors.missing('m', contentHashes)).size).toBe(0);
      await store.imports.discard();
    });

    it('is refused while another import runs, here and in another process', async () => {
      const { store, another } = subject();
      const other = await another().open('demo');
      await store.imports.begin();
      await expect(store.imports.begin()).rejects.toMatchObject({ code: 'busy' });
      await expect(other.imports.begin()).rejects.toMatchObject({ code: 'busy' });
      await store.imports.add(many(1));
      await store.imports.commit();
      await importAll(other, many(2));
      expect(await store.info()).toMatchObject({ entities: 2 });
    });

    it('takes over where an import was left open', async () => {
      const { store, another } = subject();
      await store.imports.begin();
      await store.imports.add(many(5));
      await store.close();
      const other = await another().open('demo');
      expect(await importAll(other, many(1))).toMatchObject({ added: 1 });
      expect(await other.info()).toMatchObject({ entities: 1 });
    });

    it('commits at the sequence that the preview said, and never uses one of an import that was given up', async () => {
      const { store } = subject();
      await store.imports.begin();
      await store.imports.add(many(10));
      const given = await store.imports.preview();
      await store.imports.discard();
      await store.imports.begin();
      await store.imports.add(many(10));
      const preview = await store.imports.preview();
      expect(preview.sequence).toBeGreaterThan(given.sequence);
      expect(await store.imports.commit()).toEqual(preview);
      expect(await store.info()).toMatchObject({ sequence: preview.sequence });
    });

    it('feeds every change once, the latest of each entity, in pages', async () => {
      const { store } = subject();
      await importAll(store, many(5));
      await importAll(store, [entity({ id: 'e1', title: 'changed' }), ...many(1, 5)]);
      const changes = await allChanges(store, 2);
      expect(changes.map((change) => change.kind)).toEqual(Array(6).fill('upsert'));
      expect(new Set(changes.map((change) => change.key)).size).toBe(6);
      expect(changes.at(-1)?.sequence).toBe((await store.info()).sequence);
      const late = await store.changesSince(5, 100);
      const ids = await store.entities.byKeys(late.map((change) => change.key));
      expect([...ids.values()].map(({ record }) => record.id).sort()).toEqual(['e1', 'e5']);
    });

    it('takes an entity with 10,000 aliases and one with a long description', async () => {
      const { store } = subject();
      const aliases = Array.from({ length: 10_000 }, (_, index) => `alias number ${index}`);
      const long = entity({ id: 'long', description: 'word '.repeat(20_000) });
      await importAll(store, [entity({ id: 'wide', aliases }), long]);
      expect((await store.names.exact(['alias number 9999'])).size).toBe(1);
      await importAll(store, [entity({ id: 'wide', aliases: aliases.slice(0, 1) })]);
      expect((await store.names.exact(['alias number 9999'])).size).toBe(0);
      expect(await store.info()).toMatchObject({ names: 3 });
    });

    it('lets vectors be put while it commits', async () => {
      const { store } = subject();
      await store.imports.begin();
      await store.imports.add(many(2_500));
      const row = { contentHash: 'c'.repeat(64), vector: new Float32Array([1]) };
      await Promise.all([store.imports.commit(), store.vectors.put('m', [row])]);
      expect((await store.vectors.missing('m', [row.contentHash])).size).toBe(0);
      expect(await store.info()).toMatchObject({ entities: 2_500 });
    });
  });
}
