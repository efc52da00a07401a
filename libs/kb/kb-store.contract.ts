import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KbStore } from './kb-store.js';
import { importContract } from './testing/import.contract.js';
import { learnedContract } from './testing/learned.contract.js';
import { lexicalContract } from './testing/lexical.contract.js';
import { modelsContract } from './testing/models.contract.js';
import { collect, entity, importAll } from './testing/records.js';
import type { CatalogUnderTest, Subject } from './testing/subject.js';
import { writesBesideImportsContract } from './testing/writes-beside-imports.contract.js';
import { writesContract } from './testing/writes.contract.js';

/** What every adapter of the store's ports has to do. A new one joins with one line: `kbStoreContract('…', make)`. */
export function kbStoreContract(adapter: string, make: () => Promise<CatalogUnderTest>): void {
  describe(`${adapter}: the KB store's contract`, () => {
    let made: CatalogUnderTest;
    let store: KbStore;
    beforeEach(async () => {
      made = await make();
      store = await made.catalog.openOrCreate('demo');
    });
    afterEach(() => made.remove());
    const subject = () => ({ ...made, store });
    catalogContract(subject);
    importContract(subject);
    nameContract(subject);
    lexicalContract(subject);
    vectorContract(subject);
    learnedContract(subject);
    modelsContract(subject);
    writesContract(subject);
    writesBesideImportsContract(subject);
  });
}

function catalogContract(subject: Subject): void {
  describe('catalog', () => {
    it('says which KBs there are when one is not found', async () => {
      const { catalog, store } = subject();
      await expect(catalog.open('other')).rejects.toMatchObject({ code: 'kb-not-found' });
      await expect(catalog.open('other')).rejects.toThrow(/none yet/);
      await importAll(store, [entity({ id: 'x' })]);
      await expect(catalog.open('other')).rejects.toThrow(/demo/);
    });

    it.each(['', 'A', '../x', 'a/b', '.hidden', 'x'.repeat(65), 'ä', 'a b', 'a\0'])(
      'refuses the name %j',
      async (name) => {
        const { catalog } = subject();
        await expect(catalog.openOrCreate(name)).rejects.toMatchObject({ code: 'invalid-input' });
        await expect(catalog.open(name)).rejects.toMatchObject({ code: 'invalid-input' });
      },
    );

    it('keeps KBs apart and lists them by name', async () => {
      const { catalog, store } = subject();
      const other = await catalog.openOrCreate('a.b-c_1');
      await importAll(store, [entity({ id: 'x' })]);
      await importAll(other, [entity({ id: 'y' }), entity({ id: 'z' })]);
      expect(await catalog.list()).toMatchObject([
        { name: 'a.b-c_1', entities: 2, sequence: 2 },
        { name: 'demo', entities: 1, sequence: 1 },
      ]);
      expect((await store.entities.byIds(['x', 'y'])).size).toBe(1);
    });

    it('does not list a KB in which nothing was committed', async () => {
      const { catalog, store } = subject();
      await store.imports.begin();
      await store.imports.add([entity({ id: 'x' })]);
      expect(await catalog.list()).toEqual([]);
      await store.imports.commit();
      expect(await catalog.list()).toMatchObject([{ name: 'demo', entities: 1 }]);
    });

    it('drops a KB with all it has', async () => {
      const { catalog, store } = subject();
      await importAll(store, [entity({ id: 'x' })]);
      await catalog.drop('demo');
      await expect(catalog.open('demo')).rejects.toMatchObject({ code: 'kb-not-found' });
      expect(await (await catalog.openOrCreate('demo')).info()).toMatchObject({ entities: 0 });
    });

    it('does not drop a KB while an import into it runs', async () => {
      const { catalog, store } = subject();
      await store.imports.begin();
      await expect(catalog.drop('demo')).rejects.toMatchObject({ code: 'busy' });
      await store.imports.add([entity({ id: 'x' })]);
      expect(await store.imports.commit()).toMatchObject({ added: 1 });
    });

    it('starts a KB at sequence 0', async () => {
      const info = await subject().store.info();
      expect(info).toMatchObject({ name: 'demo', sequence: 0, entities: 0, names: 0 });
      expect(Date.parse(info.updatedAt)).toBeGreaterThan(0);
    });

    it('gives a record back as it came, with whatever text it holds', async () => {
      const { store, another } = subject();
      const record = entity({
        id: '"quoted" \' ; 🦊 \u202eabc',
        title: '🦊 Füchse',
        aliases: ['fox', { name: 'عربي', prior: 0.25 }],
        types: ['animal'],
        description: 'line\nbreak \ud83d lone',
        prior: 3,
        url: 'https://example.org/?a=1&b="2"',
        data: { nested: { nul: 'a\0b', list: [1, null, true] } },
      });
      await importAll(store, [record]);
      const other = await another().open('demo');
      const stored = (await other.entities.byIds([record.id])).get(record.id);
      expect(stored?.record).toEqual(record);
      expect(stored?.contentHash).toMatch(/^[0-9a-f]{64}$/);
      const byKey = await other.entities.byKeys([stored?.key ?? -1, 999_999]);
      expect([...byKey.values()]).toEqual([stored]);
    });
  });
}

function nameContract(subject: Subject): void {
  describe('names', () => {
    it('finds entities by normalised title and alias, titles first', async () => {
      const { store } = subject();
      await importAll(store, [
        entity({ id: 'planet', title: 'Mercury (planet)', aliases: ['Mercury'] }),
        entity({ id: 'god', title: 'MERCURY' }),
        entity({ id: 'metal', title: 'Quicksilver', aliases: ['mercury', 'Mercury!'] }),
      ]);
      const names = await store.names.exact(['mercury', 'mercury planet', 'venus', 'mercury']);
      expect([...names.keys()].sort()).toEqual(['mercury', 'mercury planet']);
      const hits = names.get('mercury') ?? [];
      expect(hits.map((hit) => hit.isTitle)).toEqual([true, false, false]);
      const [god] = (await store.entities.byIds(['god'])).values();
      const plain = { isTitle: true, isListed: true, prior: null, learned: null };
      expect(hits[0]).toEqual({ key: god?.key, ...plain });
      expect(await store.info()).toMatchObject({ names: 5 });
    });

    it('orders entities of one name by id, whichever was imported first', async () => {
      const { store, catalog } = subject();
      const records = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => entity({ id, title: 'same' }));
      const orderIn = async (kb: KbStore) => {
        const keys = (await kb.names.exact(['same'])).get('same')?.map((hit) => hit.key) ?? [];
        const found = await kb.entities.byKeys(keys);
        return keys.map((key) => found.get(key)?.record.id);
      };
      await importAll(store, records);
      const reversed = await catalog.openOrCreate('reversed');
      await importAll(reversed, records.toReversed());
      const order = await orderIn(store);
      expect(order).toHaveLength(6);
      expect(await orderIn(reversed)).toEqual(order);
    });

    it('makes priors of given weights: of the alias, else of the entity, null where none', async () => {
      const { store } = subject();
      await importAll(store, [
        entity({ id: 'a', aliases: [{ name: 'N', prior: 6 }] }),
        entity({ id: 'b', aliases: ['n'], prior: 2 }),
        entity({ id: 'c', aliases: ['n'] }),
        entity({ id: 'd', aliases: [{ name: 'n', prior: 1 }, { name: 'N.', prior: 1 }], prior: 9 }),
      ]);
      const hits = (await store.names.exact(['n'])).get('n') ?? [];
      const found = await store.entities.byKeys(hits.map((hit) => hit.key));
      const priors = new Map(hits.map((hit) => [found.get(hit.key)?.record.id, hit.prior]));
      expect(Object.fromEntries(priors)).toEqual({ a: 0.6, b: 0.2, c: null, d: 0.2 });
    });

    it('scans every name once, and tells the names of entities', async () => {
      const { store } = subject();
      await importAll(store, [
        entity({ id: '1', title: 'One', aliases: ['Two', 'two'] }),
        entity({ id: '2', title: 'Two', aliases: ['Três'] }),
      ]);
      const all = await collect(store.names.scan({ withStaged: false }));
      expect(all.sort()).toEqual(['one', 'tres', 'two']);
      const [first] = (await store.entities.byIds(['1'])).values();
      expect((await store.names.ofKeys([first?.key ?? -1])).toSorted()).toEqual(['one', 'two']);
    });

    it('scans what will be visible once the open import commits', async () => {
      const { store } = subject();
      await importAll(store, [entity({ id: '1', aliases: ['old'] }), entity({ id: '2' })]);
      await store.imports.begin();
      await store.imports.add([entity({ id: '1', aliases: ['new'] }), entity({ id: '3' })]);
      const coming = [...new Set(await collect(store.names.scan({ withStaged: true })))];
      expect(coming.sort()).toEqual(['1', '2', '3', 'new']);
      const visible = await collect(store.names.scan({ withStaged: false }));
      expect(visible.sort()).toEqual(['1', '2', 'old']);
      await store.imports.commit();
      const after = await collect(store.names.scan({ withStaged: true }));
      expect(after.sort()).toEqual(coming);
    });
  });
}

function vectorContract(subject: Subject): void {
  const vector = (value: number) => new Float32Array([value, 0.5, -0.25, 1e-30]);

  describe('vectors', () => {
    it('knows which are missing, by model', async () => {
      const { store } = subject();
      const hashes = ['a'.repeat(64), 'b'.repeat(64)];
      await store.vectors.put('m1', [{ contentHash: hashes[0] ?? '', vector: vector(1) }]);
      expect(await store.vectors.missing('m1', [...hashes, ...hashes])).toEqual(new Set([hashes[1]]));
      expect(await store.vectors.missing('m2', hashes)).toEqual(new Set(hashes));
    });

    it('gives vectors of visible entities in key order, exactly as they were put', async () => {
      const { store } = subject();
      const records = ['x', 'y', 'z'].map((id) => entity({ id }));
      await store.imports.begin();
      const { contentHashes } = await store.imports.add(records);
      await store.imports.commit();
      const rows = contentHashes.map((contentHash, at) => ({ contentHash, vector: vector(at) }));
      await store.vectors.put('m', rows.toReversed().slice(0, 2));
      const keys = [...(await store.entities.byIds(['z', 'x', 'y'])).values()].map((e) => e.key);
      const page = await store.vectors.ofKeys('m', [...keys, 12_345]);
      expect(page.keys).toEqual(keys.sort((a, b) => a - b).slice(1));
      expect([...page.vectors]).toEqual([...vector(1), ...vector(2)]);
      expect((await store.vectors.ofKeys('other', keys)).keys).toEqual([]);
    });

    it('is shared by entities of the same content', async () => {
      const { store } = subject();
      await store.imports.begin();
      const twins = [entity({ id: 'a', title: 'same' }), entity({ id: 'b', title: 'same' })];
      const { contentHashes } = await store.imports.add(twins);
      expect(contentHashes[0]).toBe(contentHashes[1]);
      await store.vectors.put('m', [{ contentHash: contentHashes[0] ?? '', vector: vector(7) }]);
      await store.imports.commit();
      const pages = store.vectors.scan('m', { withStaged: false });
      const values: number[] = [];
      for await (const page of pages) values.push(...page.vectors);
      expect(values).toEqual([...vector(7), ...vector(7)]);
    });

    it('scans what will be visible once the open import commits', async () => {
      const { store } = subject();
      const put = async (records: ReturnType<typeof entity>[], value: number) => {
        const { contentHashes } = await store.imports.add(records);
        await store.vectors.put(
          'm',
          contentHashes.map((contentHash) => ({ contentHash, vector: vector(value) })),
        );
      };
      const scan = async (withStaged: boolean) => {
        const seen: [number, number | undefined][] = [];
        for await (const { keys, vectors } of store.vectors.scan('m', { withStaged })) {
          keys.forEach((key, row) => seen.push([key, vectors[row * 4]]));
        }
        return seen;
      };
      await store.imports.begin();
      await put([entity({ id: 'a' }), entity({ id: 'b' })], 1);
      await store.imports.commit();
      const before = await scan(false);
      await store.imports.begin();
      await put([entity({ id: 'c' }), entity({ id: 'a', description: 'new' })], 2);
      const coming = await scan(true);
      expect(coming.map(([, value]) => value)).toEqual([2, 1, 2]);
      expect(coming.map(([key]) => key)).toEqual(coming.map(([key]) => key).sort((x, y) => x - y));
      expect(await scan(false)).toEqual(before);
      await store.imports.commit();
      expect(await scan(false)).toEqual(coming);
    });
  });
}
