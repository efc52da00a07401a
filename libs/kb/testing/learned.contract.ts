import { describe, expect, it } from '@jest/globals';
import { hash } from 'node:crypto';
import type { KbStore, LearnedDocument, NameHit } from '../kb-store.js';
import { collect, entity, importAll } from './records.js';
import type { Subject } from './subject.js';

/** A text in which each name is a mention of the entity beside it, once. */
function lesson(id: string, mentions: readonly (readonly [name: string, key: number | null])[]) {
  return {
    hash: hash('sha256', id, 'hex'),
    mentions: mentions.map(([name, key]) => ({ name, key })),
    surfaces: mentions.map(([name]) => ({ name, seen: 1, marked: 1 })),
  } satisfies LearnedDocument;
}

async function keysOf(store: KbStore, ...ids: string[]): Promise<number[]> {
  const found = await store.entities.byIds(ids);
  return ids.map((id) => found.get(id)?.key ?? NaN);
}

const hitsFor = async (store: KbStore, name: string): Promise<readonly NameHit[]> =>
  (await store.names.exact([name])).get(name) ?? [];

const learnedOf = (hits: readonly NameHit[]) => hits.map(({ key, learned }) => [key, learned]);

export function learnedContract(subject: Subject): void {
  describe('learned', () => {
    /** Two planets in the KB; gives their keys. */
    const planets = async (): Promise<{ store: KbStore; mars: number; venus: number }> => {
      const { store } = subject();
      await importAll(store, [entity({ id: 'mars', title: 'Mars' }), entity({ id: 'venus' })]);
      const [mars = NaN, venus = NaN] = await keysOf(store, 'mars', 'venus');
      return { store, mars, venus };
    };

    it('counts what an entity is called, among all mentions of the name', async () => {
      const { store, mars, venus } = await planets();
      await store.learned.learn([lesson('a', [['mars', mars], ['mars', mars], ['mars', null]])]); // prettier-ignore
      await store.learned.learn([lesson('b', [['mars', venus]])]);
      expect(await hitsFor(store, 'mars')).toEqual([
        { key: mars, isTitle: true, isListed: true, prior: null, learned: { count: 2, total: 4 } },
        { key: venus, isTitle: false, isListed: false, prior: null, learned: { count: 1, total: 4 } },
      ]); // prettier-ignore
    });

    it('finds an entity by a name that only labelled texts use', async () => {
      const { store, venus } = await planets();
      await store.learned.learn([lesson('a', [['morning star', venus]])]);
      expect(learnedOf(await hitsFor(store, 'morning star'))).toEqual([
        [venus, { count: 1, total: 1 }],
      ]);
    });

    it('finds nothing by a name that is always NIL, and knows how often it was', async () => {
      const { store } = await planets();
      await store.learned.learn([lesson('a', [['atlantis', null], ['atlantis', null]])]); // prettier-ignore
      expect((await store.names.exact(['atlantis'])).size).toBe(0);
      const surfaces = await store.learned.surfaces(['atlantis', 'elsewhere']);
      expect([...surfaces]).toEqual([['atlantis', { marked: 2, seen: 2, mentions: 2 }]]);
    });

    it('says of an entity with a name that is never meant by it that it was meant no time', async () => {
      const { store, mars, venus } = await planets();
      await store.learned.learn([lesson('a', [['mars', venus]])]);
      expect(learnedOf(await hitsFor(store, 'mars'))).toEqual([
        [venus, { count: 1, total: 1 }],
        [mars, { count: 0, total: 1 }],
      ]);
    });

    it('gives the 100 that are called so most often, the most often first', async () => {
      const { store } = subject();
      const records = Array.from({ length: 130 }, (_, at) => entity({ id: `e${at}` }));
      await importAll(store, records);
      const keys = await keysOf(store, ...records.map(({ id }) => id));
      const mentions = keys.flatMap((key, at) =>
        Array.from({ length: at + 1 }, () => ['it', key] as const),
      );
      await store.learned.learn([lesson('a', mentions)]);
      const hits = await hitsFor(store, 'it');
      expect(hits.map(({ key }) => key)).toEqual(keys.toReversed().slice(0, 100));
      expect(hits[0]?.learned).toEqual({ count: 130, total: (130 * 131) / 2 });
    });

    it('keeps given priors beside what it learned', async () => {
      const { store } = subject();
      await importAll(store, [entity({ id: 'a', aliases: [{ name: 'N', prior: 2 }] })]);
      const [a = NaN] = await keysOf(store, 'a');
      await store.learned.learn([lesson('x', [['n', a]])]);
      expect((await hitsFor(store, 'n'))[0]).toMatchObject({ prior: 1, learned: { count: 1 } });
    });

    it('adds up how often a surface was seen, and how often as a mention', async () => {
      const { store } = await planets();
      const seen = (id: string, count: number, marked: number) => ({
        ...lesson(id, []),
        surfaces: [{ name: 'mars', seen: count, marked }],
      });
      await store.learned.learn([seen('a', 3, 1), seen('b', 2, 2)]);
      await store.learned.learn([seen('c', 1, 0)]);
      expect([...(await store.learned.surfaces(['mars', 'mars', 'x'])).entries()]).toEqual([
        ['mars', { seen: 6, marked: 3, mentions: 0 }],
      ]);
    });

    it('learns a document once, in a page, over pages and in another process', async () => {
      const { store, mars } = await planets();
      const other = await subject().another().open('demo');
      const one = lesson('one', [['red', mars]]);
      const two = lesson('two', [['red', mars]]);
      expect((await store.learned.learn([one, one])).learned).toEqual([true, false]);
      expect((await other.learned.learn([two, one])).learned).toEqual([true, false]);
      expect(await store.learned.known([one.hash, two.hash, 'ab'])).toEqual(
        new Set([one.hash, two.hash]),
      );
      expect(await store.learned.totals()).toEqual({ documents: 2, mentions: 2, surfaces: 1 });
    });

    it('puts the entities on the change feed, and the sequence grows', async () => {
      const { store, mars } = await planets();
      const { sequence } = await store.info();
      const report = await store.learned.learn([lesson('a', [['red', mars], ['x', null]])]); // prettier-ignore
      expect(await store.changesSince(sequence, 10)).toEqual([
        { sequence: report.sequence, key: mars, kind: 'upsert' },
      ]);
      expect(await store.info()).toMatchObject({ sequence: report.sequence, entities: 2 });
    });

    it('lets the sequence grow for NIL mentions alone, and not for what was known', async () => {
      const { store } = await planets();
      const { sequence } = await store.info();
      const first = await store.learned.learn([lesson('a', [['x', null]])]);
      expect(first.sequence).toBeGreaterThan(sequence);
      expect(await store.learned.learn([lesson('a', [['x', null]])])).toEqual({
        learned: [false],
        sequence: first.sequence,
      });
    });

    it('passes over the sequences that an import which came to nothing had reserved', async () => {
      const { store, mars } = await planets();
      await store.imports.begin();
      await store.imports.add([entity({ id: 'x' }), entity({ id: 'y' })]);
      const given = await store.imports.preview();
      await store.imports.discard();
      const { sequence } = await store.learned.learn([lesson('a', [['red', mars]])]);
      expect(sequence).toBeGreaterThan(given.sequence);
    });

    it('names for the gazetteer have those learned, but none that is always NIL', async () => {
      const { store, mars } = await planets();
      await store.learned.learn([lesson('a', [['red planet', mars], ['atlantis', null]])]); // prettier-ignore
      expect((await store.names.ofKeys([mars])).toSorted()).toEqual(['mars', 'red planet']);
      const all = await collect(store.names.scan({ withStaged: false }));
      expect(all.toSorted()).toEqual(['mars', 'red planet', 'venus']);
      await store.imports.begin();
      await store.imports.add([entity({ id: 'mars', title: 'Ares' })]);
      const coming = await collect(store.names.scan({ withStaged: true }));
      expect(coming.toSorted()).toEqual(['ares', 'red planet', 'venus']);
    });

    it('keeps its counts when the entity is imported again with other names', async () => {
      const { store, mars } = await planets();
      await store.learned.learn([lesson('a', [['mars', mars]])]);
      await importAll(store, [entity({ id: 'mars', title: 'Ares' })]);
      expect(learnedOf(await hitsFor(store, 'mars'))).toEqual([[mars, { count: 1, total: 1 }]]);
    });

    it('counts no mention of an entity that there is not', async () => {
      const { store, mars } = await planets();
      await store.learned.learn([lesson('a', [['red', 99_999], ['red', mars]])]); // prettier-ignore
      expect(learnedOf(await hitsFor(store, 'red'))).toEqual([[mars, { count: 1, total: 1 }]]);
    });

    it('forgets everything, tells the feed, and can learn the same again', async () => {
      const { store, mars } = await planets();
      await store.learned.learn([lesson('a', [['red', mars]])]);
      const { sequence } = await store.info();
      expect(await store.learned.forgottenAt()).toBe(0);
      expect(await store.learned.forget()).toEqual({ documents: 1, mentions: 1, surfaces: 1 });
      expect(await store.learned.forgottenAt()).toBe((await store.info()).sequence);
      expect((await store.names.exact(['red'])).size).toBe(0);
      expect((await store.learned.surfaces(['red'])).size).toBe(0);
      expect(await store.changesSince(sequence, 10)).toMatchObject([{ key: mars, kind: 'upsert' }]);
      expect((await store.learned.learn([lesson('a', [['red', mars]])])).learned).toEqual([true]);
    });

    it('changes nothing when there is nothing to forget', async () => {
      const { store } = await planets();
      const before = await store.info();
      expect(await store.learned.forget()).toEqual({ documents: 0, mentions: 0, surfaces: 0 });
      expect(await store.info()).toEqual(before);
    });

    it('is refused while an import becomes visible, and clears up after a dead one before it is visible', async () => {
      const { store, mars } = await planets();
      const other = await subject().another().open('demo');
      await store.imports.begin();
      await store.imports.add([entity({ id: 'x' })]);
      await store.imports.preview();
      await expect(other.learned.learn([lesson('a', [])])).rejects.toMatchObject({ code: 'busy' });
      await expect(other.learned.forget()).rejects.toMatchObject({ code: 'busy' });
      await store.imports.discard();
      const seen: number[] = [];
      const beforeCommit = async () => {
        seen.push((await store.names.exact(['red'])).size);
      };
      await other.learned.learn([lesson('a', [['red', mars]])], { beforeCommit });
      expect(seen).toEqual([0]);
    });

    it('waits for another page that is being learned', async () => {
      const { store, mars } = await planets();
      const other = await subject().another().open('demo');
      const pages = Array.from({ length: 20 }, (_, at) => lesson(`${at}`, [['red', mars]]));
      await Promise.all(
        pages.map((page, at) => (at % 2 === 0 ? store : other).learned.learn([page])),
      );
      expect(learnedOf(await hitsFor(store, 'red'))).toEqual([[mars, { count: 20, total: 20 }]]);
    });
  });
}
