import { describe, expect, it } from '@jest/globals';
import type { KbStore, LexicalQuery } from '../kb-store.js';
import type { Subject } from './subject.js';
import { entity, importAll } from './records.js';

/** Enough others that a word of two entities is rare, as in a real KB. */
const crowd = Array.from({ length: 200 }, (_, index) =>
  entity({ id: `crowd${index}`, title: `person ${index}`, description: 'one of many people' }),
);

const foxes = [
  entity({ id: 'red', title: 'Red fox', description: 'An animal of forests' }),
  entity({ id: 'browser', title: 'Firefox', aliases: ['Fox'], description: 'A program, web' }),
  entity({ id: 'studio', title: 'Fox studio', description: 'Makes films in California' }),
];

async function idsOf(store: KbStore, query: LexicalQuery): Promise<(string | undefined)[]> {
  const hits = await store.names.lexical(query, 10);
  const found = await store.entities.byKeys(hits.map((hit) => hit.key));
  return hits.map((hit) => found.get(hit.key)?.record.id);
}

export function lexicalContract(subject: Subject): void {
  describe('lexical', () => {
    it('finds by words of the mention, and lets the context decide among them', async () => {
      const { store } = subject();
      await importAll(store, [...crowd, ...foxes]);
      const films = await idsOf(store, { mention: ['fox'], context: ['films', 'people'] });
      expect(films[0]).toBe('studio');
      expect(new Set(films)).toEqual(new Set(['red', 'browser', 'studio']));
      const forests = await idsOf(store, { mention: ['fox'], context: ['the', 'forests'] });
      expect(forests[0]).toBe('red');
    });

    it('gives larger numbers to better hits', async () => {
      const { store } = subject();
      await importAll(store, [...crowd, ...foxes]);
      const hits = await store.names.lexical({ mention: ['red', 'fox'], context: [] }, 10);
      expect(hits).toHaveLength(3);
      expect(hits[0]?.bm25).toBeGreaterThan(hits[1]?.bm25 ?? Infinity);
      expect(hits.at(-1)?.bm25).toBeGreaterThan(0);
    });

    it('falls back on the context where no word of the mention is known', async () => {
      const { store } = subject();
      await importAll(store, [...crowd, ...foxes]);
      expect(await idsOf(store, { mention: ['zzz'], context: ['california'] })).toEqual(['studio']);
    });

    it('finds a word that nearly all entities have, when the mention has no other', async () => {
      const { store } = subject();
      await importAll(store, [...crowd, ...foxes]);
      expect(await idsOf(store, { mention: ['person'], context: [] })).toHaveLength(10);
    });

    it('compares words without case and accents', async () => {
      const { store } = subject();
      await importAll(store, [...crowd, entity({ id: 'z', title: 'Zürich Straße ｆｕｌｌ' })]);
      for (const word of ['zurich', 'ZÜRICH', 'straße', 'strasse', 'full']) {
        expect(await idsOf(store, { mention: [word], context: [] })).toEqual(['z']);
      }
    });

    it('has an answer for words that are none', async () => {
      const { store } = subject();
      await importAll(store, [...crowd, ...foxes]);
      const words = ['"', '""', '++', '', ' ', 'q"b NOT z*', 'NEAR', '\0', '\ud800', '🦊', '-', '^x'];
      expect(await store.names.lexical({ mention: words, context: words }, 10)).toEqual([]);
      const long = Array.from({ length: 5_000 }, (_, index) => `w${index}`);
      expect(await idsOf(store, { mention: ['fox', ...long], context: long })).toHaveLength(3);
      expect(await store.names.lexical({ mention: [], context: [] }, 10)).toEqual([]);
    });

    it('forgets the words of a text that was replaced', async () => {
      const { store } = subject();
      await importAll(store, [...crowd, ...foxes]);
      await importAll(store, [entity({ id: 'red', title: 'Vulpes' })]);
      expect(await idsOf(store, { mention: ['red'], context: [] })).toEqual([]);
      expect(await idsOf(store, { mention: ['vulpes'], context: [] })).toEqual(['red']);
    });
  });

  describe('search', () => {
    it('gives exact names, then prefixes, then BM25', async () => {
      const { store } = subject();
      await importAll(store, [...crowd, ...foxes, entity({ id: 'foxglove', title: 'Foxglove' })]);
      const found = await store.entities.search('  FOX ', 10);
      expect(found.map(({ record }) => record.id)).toEqual([
        'browser',
        ...['foxglove', 'studio'],
        'red',
      ]);
      expect(await store.entities.search('fox', 2)).toHaveLength(2);
    });

    it.each(['', ' ', '%', '"', '\0', "'; DROP TABLE entity"])('survives %j', async (text) => {
      const { store } = subject();
      await importAll(store, foxes);
      expect(await store.entities.search(text, 5)).toEqual([]);
    });
  });
}
