import { describe, expect, it } from '@jest/globals';
import { contentHash } from '../content-hash.js';
import type { Expectation, KbStore } from '../kb-store.js';
import { recordTag } from '../record-tag.js';
import { entity, importAll } from './records.js';
import type { Subject } from './subject.js';
import { embed, keyOf, MODEL, put, recordOf, remove, statuses, write } from './writes.js';

export function writesContract(subject: Subject): void {
  describe('writes', () => {
    outcomes(subject);
    effects(subject);
    models(subject);
    upkeep(subject);
    concurrency(subject);
  });
}

function outcomes(subject: Subject): void {
  it('creates, changes, leaves as it is and deletes, and says which', async () => {
    const { store } = subject();
    const fox = entity({ id: 'fox', title: 'Fox' });
    const redFox = entity({ id: 'fox', title: 'Red fox' });
    expect(await write(store, put(fox))).toEqual({
      outcomes: [{ status: 'created', tag: recordTag(fox) }],
      sequence: 1,
    });
    expect(await write(store, put(redFox))).toEqual({
      outcomes: [{ status: 'changed', tag: recordTag(redFox) }],
      sequence: 2,
    });
    expect(await write(store, put(redFox))).toEqual({
      outcomes: [{ status: 'unchanged', tag: recordTag(redFox) }],
      sequence: 2,
    });
    expect(await write(store, remove('fox'))).toEqual({
      outcomes: [{ status: 'deleted', tag: null }],
      sequence: 3,
    });
    expect(await write(store, remove('fox'))).toEqual({
      outcomes: [{ status: 'absent', tag: null }],
      sequence: 3,
    });
  });

  it('changes nothing at all for a record that is there already', async () => {
    const { store } = subject();
    await write(store, put(entity({ id: 'fox' })));
    const before = await store.info();
    await write(store, put(entity({ id: 'fox' })));
    expect(await store.info()).toEqual(before);
  });

  it('takes the writes of a page in their order', async () => {
    const { store } = subject();
    const report = await write(
      store,
      put(entity({ id: 'a' })),
      put(entity({ id: 'a', title: 'b' })),
      remove('a'),
      put(entity({ id: 'a', title: 'c' }), { state: 'absent' }),
    );
    expect(statuses(report)).toEqual(['created', 'changed', 'deleted', 'created']);
    expect(await recordOf(store, 'a')).toMatchObject({ title: 'c' });
    expect(await store.info()).toMatchObject({ entities: 1, names: 1, sequence: report.sequence });
  });

  it('changes an entity back and forth', async () => {
    const { store } = subject();
    const states = ['a', 'b', 'a', 'b', 'a'].map((title) => put(entity({ id: 'x', title })));
    expect(statuses(await write(store, ...states))).toEqual([
      'created',
      'changed',
      'changed',
      'changed',
      'changed',
    ]);
    await importAll(store, [entity({ id: 'x', title: 'b' })]);
    await importAll(store, [entity({ id: 'x', title: 'a' })]);
    await write(store, remove('x'));
    expect(await store.info()).toMatchObject({ entities: 0, names: 0, sequence: 8 });
  });

  it('does nothing to an entity in another state than expected, and the rest of the page', async () => {
    const { store } = subject();
    const a = entity({ id: 'a' });
    await write(store, put(a));
    const changed = entity({ id: 'a', title: 'other' });
    const wrong = { state: 'tagged', tags: ['0'.repeat(32)] } satisfies Expectation;
    const report = await write(
      store,
      put(changed, { state: 'absent' }),
      put(changed, wrong),
      remove('a', wrong),
      put(entity({ id: 'b' }), { state: 'present' }),
      put(entity({ id: 'b' }), wrong),
      remove('b', { state: 'present' }),
      put(entity({ id: 'c' })),
    );
    const stale = { status: 'stale', tag: recordTag(a) };
    const none = { status: 'stale', tag: null };
    expect(report.outcomes.slice(0, 6)).toEqual([stale, stale, stale, none, none, none]);
    expect(statuses(report).at(-1)).toBe('created');
    expect(await recordOf(store, 'a')).toEqual(a);
  });

  it('writes where the entity is in one of the states expected', async () => {
    const { store } = subject();
    const a = entity({ id: 'a' });
    await write(store, put(a, { state: 'absent' }));
    const tags = ['0'.repeat(32), recordTag(a)];
    const b = entity({ id: 'a', title: 'b' });
    expect(statuses(await write(store, put(b, { state: 'tagged', tags })))).toEqual(['changed']);
    expect(statuses(await write(store, put(a, { state: 'present' })))).toEqual(['changed']);
    expect(statuses(await write(store, remove('a', { state: 'tagged', tags })))).toEqual([
      'deleted',
    ]);
  });
}

function effects(subject: Subject): void {
  it('is there for this process and another when it is done, in all tables', async () => {
    const { store, another } = subject();
    const other = await another().open('demo');
    const fox = entity({ id: 'fox', title: 'Red fox', aliases: ['Vulpes', { name: 'fox', prior: 3 }] });
    await write(store, put(fox), put(entity({ id: 'cat' })));
    for (const reader of [store, other]) {
      expect(await recordOf(reader, 'fox')).toEqual(fox);
      expect(await reader.info()).toMatchObject({ entities: 2, names: 4, sequence: 2 });
      const key = await keyOf(reader, 'fox');
      expect((await reader.names.exact(['vulpes'])).get('vulpes')).toMatchObject([{ key, isTitle: false }]);
      expect((await reader.names.exact(['fox'])).get('fox')).toMatchObject([{ key, prior: 1 }]);
      expect(await reader.names.lexical({ mention: ['red'], context: [] }, 9)).toMatchObject([{ key }]);
      expect((await reader.vectors.ofKeys(MODEL, [key])).keys).toEqual([key]);
    }
  });

  it('takes the old names and words away with a change, and keeps the key', async () => {
    const { store } = subject();
    await write(store, put(entity({ id: 'x', title: 'Old name', aliases: ['older'] })));
    const key = await keyOf(store, 'x');
    await write(store, put(entity({ id: 'x', title: 'New' })));
    expect((await store.names.exact(['old name', 'older', 'new'])).size).toBe(1);
    expect(await store.names.lexical({ mention: ['old'], context: [] }, 9)).toEqual([]);
    expect(await keyOf(store, 'x')).toBe(key);
    expect(await store.info()).toMatchObject({ names: 1, entities: 1 });
    expect(await store.changesSince(0, 9)).toEqual([{ sequence: 2, key, kind: 'upsert' }]);
  });

  it('takes everything of a deleted entity away, tells the feed, and gives its key to nobody', async () => {
    const { store } = subject();
    await write(store, put(entity({ id: 'x', title: 'Gone soon' })), put(entity({ id: 'y' })));
    const key = await keyOf(store, 'x');
    await write(store, remove('x'));
    expect((await store.names.exact(['gone soon'])).size).toBe(0);
    expect(await store.names.lexical({ mention: ['gone'], context: [] }, 9)).toEqual([]);
    expect(await store.info()).toMatchObject({ names: 1, entities: 1, sequence: 3 });
    expect(await store.changesSince(2, 9)).toEqual([{ sequence: 3, key, kind: 'delete' }]);
    await write(store, put(entity({ id: 'x' })));
    expect(await keyOf(store, 'x')).not.toBe(key);
    expect((await store.changesSince(0, 9)).map(({ kind }) => kind)).toEqual([
      'upsert',
      'delete',
      'upsert',
    ]);
  });

  it('keeps what was learned of an entity with a change, and forgets it with the entity', async () => {
    const { store } = subject();
    await write(store, put(entity({ id: 'x' })));
    const key = await keyOf(store, 'x');
    const mention = { hash: 'a'.repeat(64), mentions: [{ name: 'it', key }], surfaces: [] };
    await store.learned.learn([mention]);
    await write(store, put(entity({ id: 'x', title: 'y' })));
    expect((await store.names.exact(['it'])).get('it')).toMatchObject([{ key }]);
    await write(store, remove('x'));
    expect((await store.names.exact(['it'])).size).toBe(0);
  });

  it('knows which names some entity has, listed or learned', async () => {
    const { store } = subject();
    await write(store, put(entity({ id: 'x', title: 'One', aliases: ['Two'] })));
    const mentions = [{ name: 'three', key: await keyOf(store, 'x') }, { name: 'nil', key: null }];
    await store.learned.learn([{ hash: 'a'.repeat(64), mentions, surfaces: [] }]);
    const asked = ['one', 'two', 'three', 'nil', 'four'];
    expect(await store.names.present(asked)).toEqual(new Set(['one', 'two', 'three']));
    await write(store, put(entity({ id: 'x', title: 'One' })));
    expect(await store.names.present(asked)).toEqual(new Set(['one', 'three']));
  });

  it('finds words of entities that were written one by one', async () => {
    const { store } = subject();
    for (let at = 0; at < 120; at++) {
      await write(store, put(entity({ id: `e${at}`, title: `common ${at}`, description: 'many' })));
    }
    await write(store, put(entity({ id: 'rare', title: 'common rarity' })));
    const hits = await store.names.lexical({ mention: ['rarity'], context: ['many'] }, 3);
    expect(hits[0]?.key).toBe(await keyOf(store, 'rare'));
  });
}

function models(subject: Subject): void {
  const mismatch = { code: 'model-mismatch' };

  it('does nothing of a page where a content has no vector of the model', async () => {
    const { store } = subject();
    await embed(store, [entity({ id: 'a' })]);
    const before = await store.info();
    const page = [put(entity({ id: 'a' })), put(entity({ id: 'b' }))];
    await expect(store.writes.write(page, { modelVersion: MODEL })).rejects.toMatchObject(mismatch);
    expect(await store.info()).toEqual(before);
    expect((await store.entities.byIds(['a', 'b'])).size).toBe(0);
  });

  it('does nothing where the KB is searched with another model', async () => {
    const { store } = subject();
    await write(store, put(entity({ id: 'a' })));
    await store.models.begin({ target: 'm2', model: 'two' }, 'm0');
    await expect(write(store, put(entity({ id: 'b' })))).rejects.toMatchObject(mismatch);
    await expect(write(store, remove('a'))).rejects.toMatchObject(mismatch);
    expect(await store.info()).toMatchObject({ sequence: 1, entities: 1 });
  });
}

function upkeep(subject: Subject): void {
  const hashOf = (id: string, title = id) => contentHash(entity({ id, title }));
  const missing = (store: KbStore, ...hashes: readonly string[]) =>
    store.vectors.missing(MODEL, hashes);

  it('drops vectors of contents that no entity has any more, and no others', async () => {
    const { store } = subject();
    await embed(store, [entity({ id: 'never' })]);
    await write(store, put(entity({ id: 'a' })), put(entity({ id: 'b' })), put(entity({ id: 'c' })));
    await write(store, put(entity({ id: 'twin', title: 'c' })));
    await write(store, put(entity({ id: 'a', title: 'new' })), remove('b'), remove('c'));
    expect(await store.vectors.dropRetired()).toBe(2);
    const all = ['a', 'b', 'c', 'never', 'new'].map((title) => hashOf(title));
    expect(await missing(store, ...all)).toEqual(new Set([hashOf('a'), hashOf('b')]));
    expect(await store.vectors.dropRetired()).toBe(0);
    await write(store, remove('twin'));
    expect(await store.vectors.dropRetired()).toBe(1);
  });

  it('drops those that an import has replaced, but none while one runs', async () => {
    const { store, another } = subject();
    await write(store, put(entity({ id: 'a' })));
    const importer = await another().open('demo');
    await importAll(importer, [entity({ id: 'a', title: 'new' })]);
    await importer.imports.begin();
    expect(await store.vectors.dropRetired()).toBe(0);
    await importer.imports.discard();
    expect(await store.vectors.dropRetired()).toBe(1);
  });

  it('checks itself, and finds nothing wrong', async () => {
    const { store } = subject();
    await importAll(store, [entity({ id: 'a', aliases: ['x', 'y'] }), entity({ id: 'b' })]);
    await write(store, put(entity({ id: 'a', title: 'new' })), remove('b'), put(entity({ id: 'c' })));
    const findings = [];
    for await (const finding of store.check.run()) findings.push(finding);
    expect(findings.filter(({ count }) => count > 0)).toEqual([]);
    expect(findings.length).toBeGreaterThan(3);
  });
}

function concurrency(subject: Subject): void {
  it('loses no update of 16 writers, of two processes, that look before they write', async () => {
    const { store, another } = subject();
    const stores = [store, await another().open('demo')];
    const counter = (count: number) => entity({ id: 'counter', data: { count } });
    await write(store, put(counter(0)));
    const increment = async (kb: KbStore): Promise<void> => {
      for (;;) {
        const found = await recordOf(kb, 'counter');
        if (found === undefined) throw new Error('the counter is gone');
        const next = counter(Number(found.data?.['count']) + 1);
        const tags = [recordTag(found)];
        const report = await write(kb, put(next, { state: 'tagged', tags }));
        if (report.outcomes[0]?.status === 'changed') return;
      }
    };
    await Promise.all(
      Array.from({ length: 16 }, async (_, at) => {
        for (let n = 0; n < 5; n++) await increment(stores[at % 2] ?? store);
      }),
    );
    expect(await recordOf(store, 'counter')).toEqual(counter(80));
  });

  it('lets a bad page fail alone, whoever writes at the same time', async () => {
    const { store } = subject();
    const records = Array.from({ length: 20 }, (_, at) => entity({ id: `e${at}` }));
    await embed(store, records);
    const settled = await Promise.allSettled([
      ...records.map((record) => store.writes.write([put(record)], { modelVersion: MODEL })),
      store.writes.write([put(entity({ id: 'bad' }))], { modelVersion: MODEL }),
    ]);
    expect(settled.map(({ status }) => status)).toEqual([
      ...records.map(() => 'fulfilled'),
      'rejected',
    ]);
    const sequences = settled.flatMap((one) => (one.status === 'fulfilled' ? one.value.sequence : []));
    expect(new Set(sequences).size).toBe(20);
    expect(await store.info()).toMatchObject({ entities: 20, names: 20, sequence: 20 });
    expect(await store.changesSince(0, 99)).toHaveLength(20);
  });
}

