import { describe, expect, it } from '@jest/globals';
import type { EntityRecord } from '../../contract/entity.js';
import type { KbStore } from '../kb-store.js';
import { collect, entity, importAll } from './records.js';
import type { Subject } from './subject.js';
import { embed, keyOf, MODEL, put, recordOf, remove, write } from './writes.js';

export function writesBesideImportsContract(subject: Subject): void {
  describe('writes beside imports', () => {
  /** An import in another process that has staged `records`. */
  const staging = async (records: readonly EntityRecord[]): Promise<KbStore> => {
    const importer = await subject().another().open('demo');
    await importer.imports.begin();
    await importer.imports.add(records);
    return importer;
  };

  it('writes and learns while an import stages, and is busy until it has committed', async () => {
    const { store } = subject();
    const importer = await staging([entity({ id: 'imported' })]);
    await write(store, put(entity({ id: 'before' })));
    await store.learned.learn([{ hash: 'a'.repeat(64), mentions: [], surfaces: [] }]);
    const { sequence } = await importer.imports.preview();
    const busy = { code: 'busy' };
    await expect(write(store, put(entity({ id: 'in' })))).rejects.toMatchObject(busy);
    await expect(store.learned.forget()).rejects.toMatchObject(busy);
    await importer.imports.commit();
    expect(await store.info()).toMatchObject({ sequence });
    await write(store, put(entity({ id: 'after' })));
    expect([...(await store.entities.byIds(['imported', 'before', 'in', 'after'])).keys()].sort()).toEqual(
      ['after', 'before', 'imported'],
    );
  });

  it('can be written to again when an import is given up', async () => {
    const { store } = subject();
    const importer = await staging([entity({ id: 'imported' })]);
    const { sequence } = await importer.imports.preview();
    await importer.imports.discard();
    expect((await write(store, put(entity({ id: 'a' })))).sequence).toBeGreaterThan(sequence);
  });

  it('lets the import win over what was written to its entities meanwhile', async () => {
    const { store } = subject();
    const all = ['same', 'changed', 'deleted', 'unchanged', 'kept', 'dead'];
    await importAll(store, all.map((id) => entity({ id, title: `${id} old` }))); // prettier-ignore
    const kept = await keyOf(store, 'kept');
    const records = [
      entity({ id: 'same', title: 'same new' }),
      entity({ id: 'changed', title: 'changed imported' }),
      entity({ id: 'deleted', title: 'deleted imported' }),
      entity({ id: 'unchanged', title: 'unchanged old' }),
      entity({ id: 'dead', title: 'dead old' }),
      entity({ id: 'created', title: 'created imported' }),
      entity({ id: 'equal', title: 'equal' }),
      entity({ id: 'new', title: 'new' }),
    ];
    const importer = await staging(records);
    await write(
      store,
      put(entity({ id: 'same', title: 'same new' })),
      put(entity({ id: 'changed', title: 'changed live' })),
      remove('deleted'),
      put(entity({ id: 'unchanged', title: 'unchanged live' })),
      remove('dead'),
      put(entity({ id: 'created', title: 'created live' })),
      put(entity({ id: 'equal', title: 'equal' })),
      put(entity({ id: 'kept', title: 'kept live' })),
    );
    const before = (await store.info()).sequence;
    const coming = await importer.imports.preview();
    expect(coming).toMatchObject({ added: 3, changed: 3, unchanged: 2 });
    const names = await collect(importer.names.scan({ withStaged: true }));
    expect(await importer.imports.commit()).toEqual(coming);
    expect(names.toSorted()).toEqual([
      'changed imported',
      'created imported',
      'dead old',
      'deleted imported',
      'equal',
      'kept live',
      'new',
      'same new',
      'unchanged old',
    ]);
    const found = await store.entities.byIds([...all, 'created', 'equal', 'new']);
    for (const record of records) expect(found.get(record.id)?.record).toEqual(record);
    expect(found.get('kept')).toMatchObject({ key: kept, record: { title: 'kept live' } });
    expect(await store.info()).toMatchObject({ entities: 9, names: 9, sequence: before + 6 });
    expect((await collect(store.names.scan({ withStaged: false }))).toSorted()).toEqual(names.toSorted());
    const changes = await store.changesSince(0, 99);
    expect(new Set(changes.map(({ key }) => key)).size).toBe(changes.length);
    expect(changes.filter(({ kind }) => kind === 'upsert')).toHaveLength(9);
    expect(changes.filter(({ kind }) => kind === 'delete')).toHaveLength(2);
  });

  it('counts right where more is staged after a look at what is coming', async () => {
    const { store } = subject();
    await write(store, put(entity({ id: 'a' })));
    const importer = await staging([entity({ id: 'a', title: 'b' })]);
    await write(store, remove('a'));
    expect(await importer.imports.preview()).toMatchObject({ added: 1, changed: 0 });
    await importer.imports.add([entity({ id: 'a', title: 'c' }), entity({ id: 'd' })]);
    expect(await importer.imports.commit()).toMatchObject({ added: 2, changed: 0, unchanged: 0 });
    expect(await recordOf(store, 'a')).toMatchObject({ title: 'c' });
    expect(await store.info()).toMatchObject({ entities: 2, names: 2 });
  });

  it('drops what a dead import left of an index, once, before anything is visible', async () => {
    const { store } = subject();
    await write(store, put(entity({ id: 'a' })));
    await embed(store, [entity({ id: 'b' }), entity({ id: 'c' })]);
    const seen: number[] = [];
    const options = {
      modelVersion: MODEL,
      beforeCommit: async () => {
        seen.push((await store.info()).sequence);
      },
    };
    const importer = await staging([entity({ id: 'x' }), entity({ id: 'y' })]);
    const given = await importer.imports.preview();
    await importer.imports.discard();
    const { sequence } = await store.writes.write([put(entity({ id: 'b' }))], options);
    expect(seen).toEqual([1]);
    expect(sequence).toBeGreaterThan(given.sequence);
    await store.writes.write([put(entity({ id: 'c' }))], options);
    expect(seen).toEqual([1]);
  });
  });
}
