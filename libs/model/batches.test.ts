import { expect, test } from '@jest/globals';
import {
  at,
  golden,
  mentionSpan,
  shippedManifest,
  shippedTokenizer,
} from '../../test/support/golden.js';
import { entityBatches, mentionBatches, pairBatches } from './batches.js';
import type { EntityText } from './entity-text.js';
import { EntityLayout } from './layout/entity-layout.js';

const layout = new EntityLayout(shippedTokenizer, shippedManifest.limits, shippedManifest.ids);
const entity = (fields: Partial<EntityText>): EntityText => {
  return { title: 'Mercury', aliases: [], types: [], description: '', ...fields };
};
const decoded = (ids: Iterable<number>) => Array.from(ids);

test('mentions of a text are the pieces that overlap them, in the golden windows', () => {
  for (const { text, pieces, mentions: spans, windows } of golden.contexts) {
    const mentions = spans.map((span) => mentionSpan(text, span));
    const tokenised = shippedTokenizer.tokenize(text);
    expect(decoded(tokenised.ids)).toEqual(pieces);
    const batches = [...mentionBatches(tokenised, mentions, shippedManifest)];
    expect(batches.length).toBe(windows.length);
    const { batch, places } = at(batches, 0);
    const window = at(windows, 0);
    expect(decoded(batch.ids)).toEqual(window.input_ids);
    expect(places).toEqual(window.mentions.map(({ mention }) => mention));
    expect(decoded(batch.firsts)).toEqual(window.mentions.map(({ first }) => first));
    expect(decoded(batch.ends)).toEqual(window.mentions.map(({ end }) => end));
  }
});

test('entities are laid out as in the golden file', () => {
  for (const expected of golden.entities) {
    const laid = layout.lay(expected.entity);
    expect(decoded(laid.ids)).toEqual(expected.input_ids);
    expect(laid.titlePieces).toBe(expected.titlePieces);
  }
});

test('pairs are laid out as in the golden file', () => {
  for (const expected of golden.pairs) {
    const context = at(golden.contexts, expected.context);
    const pair = {
      span: at(context.mentions, expected.mention),
      entity: at(golden.entities, expected.entity).entity,
    };
    const pieces = shippedTokenizer.tokenize(context.text);
    const [packed] = pairBatches(pieces, [pair], layout, shippedManifest);
    expect(decoded(packed?.batch.ids ?? [])).toEqual(expected.input_ids);
    expect(packed?.batch.secondSegments[0]).toBe(expected.firstOfSecondSegment);
  }
});

test('every mention of a long text keeps its pieces, with context on both sides', () => {
  const word = 'word ';
  const text = word.repeat(2_000);
  const spans = Array.from({ length: 2_000 }, (_, i) => ({
    start: i * word.length,
    end: i * word.length + 4,
    surface: 'word',
  }));
  const seen = new Map<number, number>();
  for (const { batch, places } of mentionBatches(
    shippedTokenizer.tokenize(text),
    spans,
    shippedManifest,
  )) {
    const width = batch.ids.length / batch.lengths.length;
    places.forEach((place, m) => {
      const length = batch.lengths[batch.rows[m] ?? 0] ?? 0;
      const first = batch.firsts[m] ?? 0;
      expect(batch.ends[m]).toBe(first + 1);
      expect(batch.ids[(batch.rows[m] ?? 0) * width + first]).toBe(2773); // "word"
      if (place >= 31 && place < 2_000 - 95)
        expect(Math.min(first, length - first)).toBeGreaterThan(31);
      seen.set(place, (seen.get(place) ?? 0) + 1);
    });
  }
  expect(seen.size).toBe(2_000);
  expect(new Set(seen.values())).toEqual(new Set([1]));
});

test('a span without pieces is in no batch; a mention longer than its window is cut to it', () => {
  const text = `a   ${'b '.repeat(300)}`;
  const spans = [
    { start: 1, end: 3, surface: '  ' },
    { start: 0, end: text.length, surface: text },
  ];
  const [packed, ...rest] = mentionBatches(shippedTokenizer.tokenize(text), spans, shippedManifest);
  expect(rest).toEqual([]);
  expect(packed?.places).toEqual([1]);
  expect(decoded(packed?.batch.lengths ?? [])).toEqual([128]);
  expect([packed?.batch.firsts[0], packed?.batch.ends[0]]).toEqual([1, 127]);
});

test('a window with very many mentions is passed several times, none is lost', () => {
  const spans = Array.from({ length: 1_000 }, () => ({ start: 0, end: 4, surface: 'word' }));
  const batches = [...mentionBatches(shippedTokenizer.tokenize('word'), spans, shippedManifest)];
  const places = batches.flatMap((packed) => packed.places);
  expect(places.sort((a, b) => a - b)).toEqual(spans.map((_, i) => i));
  expect(batches.flatMap((packed) => decoded(packed.batch.lengths)).length).toBe(8);
});

test('an entity takes at most 64 ids and every cut keeps its separators', () => {
  const long = 'many words '.repeat(200);
  const laid = layout.lay({ title: long, aliases: [long], types: [long], description: long });
  expect(laid.ids.length).toBe(64);
  expect(laid.titlePieces).toBe(24);
  expect(decoded(laid.ids).flatMap((id, i) => (id === 102 ? [i] : []))).toEqual([25, 46, 63]);
});

test('aliases that differ only in form are left out; four are kept beside a description', () => {
  const aliases = ['MERCURY!', 'one', 'One', 'two', 'three', 'four', 'five'];
  const kept = (description: string) => {
    const laid = layout.lay(entity({ aliases, description }));
    const plain = layout.lay(
      entity({
        aliases: description
          ? ['one', 'two', 'three', 'four']
          : ['one', 'two', 'three', 'four', 'five'],
        description,
      }),
    );
    expect(decoded(laid.ids)).toEqual(decoded(plain.ids));
  };
  kept('A planet.');
  kept('');
});

test('10,000 aliases and a description of a megabyte cost milliseconds', () => {
  const huge = entity({
    aliases: Array.from({ length: 10_000 }, (_, i) => `alias number ${i}`),
    description: 'long description '.repeat(60_000),
  });
  layout.lay(huge);
  const start = performance.now();
  for (let i = 0; i < 20; i++) layout.lay(huge);
  expect((performance.now() - start) / 20).toBeLessThan(5);
});

test('batches hold all items once, padded to their longest row', () => {
  const entities = Array.from({ length: 600 }, (_, i) =>
    entity({ title: `Entity ${i}`, description: 'word '.repeat(i % 60) }),
  );
  const batches = [...entityBatches(entities, layout, shippedManifest)];
  const places = batches.flatMap((packed) => packed.places);
  expect(places.sort((a, b) => a - b)).toEqual(entities.map((_, i) => i));
  for (const { batch } of batches) {
    expect(batch.ids.length).toBeLessThanOrEqual(1_024);
    expect(batch.ids.length).toBe(batch.lengths.length * Math.max(...batch.lengths));
  }
});
