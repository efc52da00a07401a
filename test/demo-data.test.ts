import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { entityRecord, type EntityRecord } from '../libs/contract/entity.js';

const goldMention = z.strictObject({
  start: z.number().int().nonnegative(),
  end: z.number().int().positive(),
  text: z.string().min(1),
  entityId: z.string().nullable(),
});
const goldSentence = z.strictObject({
  id: z.string().min(1),
  text: z.string().min(1),
  mentions: z.array(goldMention).min(1),
});

const demo = (file: string): string =>
  readFileSync(new URL(`../kb/demo/${file}`, import.meta.url), 'utf8');

const lines = (file: string): unknown[] =>
  demo(file)
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

const entities = lines('entities.jsonl').map((line) => entityRecord.parse(line));
const gold = lines('gold.jsonl').map((line) => goldSentence.parse(line));
const mentions = gold.flatMap((sentence) => sentence.mentions);
const ids = new Set(entities.map((entity) => entity.id));

const repeated = (values: readonly string[]): string[] =>
  values.filter((value, at) => values.indexOf(value) !== at);

const namesOf = (entity: EntityRecord): string[] => [
  ...new Set([entity.title, ...entity.aliases.map(({ name }) => name)].map((n) => n.toLowerCase())),
];

const bearersByName = (): Map<string, number> => {
  const bearers = new Map<string, number>();
  for (const name of entities.flatMap(namesOf)) bearers.set(name, (bearers.get(name) ?? 0) + 1);
  return bearers;
};

describe('the entities of the demo KB', () => {
  it('are at least 600, each with its own id and its own title', () => {
    expect(entities.length).toBeGreaterThanOrEqual(600);
    expect(repeated(entities.map(({ id }) => id))).toEqual([]);
    expect(repeated(entities.map(({ title }) => title))).toEqual([]);
  });

  it('each have a readable id, a type and a description that no other has', () => {
    expect(entities.filter(({ id }) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id))).toEqual([]);
    expect(entities.filter(({ types }) => types.length === 0)).toEqual([]);
    expect(entities.filter(({ description }) => description.length < 30)).toEqual([]);
    expect(repeated(entities.map(({ description }) => description))).toEqual([]);
  });

  it('list no alias twice, nor their title as an alias', () => {
    const doubled = entities.filter(
      ({ title, aliases }) => repeated([title, ...aliases.map(({ name }) => name)]).length > 0,
    );
    expect(doubled.map(({ id }) => id)).toEqual([]);
  });

  it('share at least 60 names among three or more', () => {
    const shared = [...bearersByName().values()].filter((bearers) => bearers >= 3);
    expect(shared.length).toBeGreaterThanOrEqual(60);
  });
});

describe('the gold sentences of the demo KB', () => {
  it('are at least 250, with no id or text twice', () => {
    expect(gold.length).toBeGreaterThanOrEqual(250);
    expect(repeated(gold.map(({ id }) => id))).toEqual([]);
    expect(repeated(gold.map(({ text }) => text))).toEqual([]);
  });

  it('mark each mention by UTF-16 offsets that cut its text out of the sentence', () => {
    const wrong = gold.filter(({ text, mentions: marked }) =>
      marked.some((m) => m.start >= m.end || text.slice(m.start, m.end) !== m.text),
    );
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  it('have their mentions in reading order and without overlaps', () => {
    const wrong = gold.filter(({ mentions: marked }) =>
      marked.some((m, at) => at > 0 && m.start < (marked[at - 1]?.end ?? 0)),
    );
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  it('point only at entities that exist, at 250 of them or more', () => {
    const linked = new Set(mentions.flatMap(({ entityId }) => entityId ?? []));
    expect([...linked].filter((id) => !ids.has(id))).toEqual([]);
    expect(linked.size).toBeGreaterThanOrEqual(250);
  });

  it('name things outside of the KB in at least 50 sentences', () => {
    const unlinked = gold.filter((s) => s.mentions.some(({ entityId }) => entityId === null));
    expect(unlinked.length).toBeGreaterThanOrEqual(50);
    expect(mentions.filter(({ entityId }) => entityId === null).length).toBeGreaterThanOrEqual(60);
  });
});

it('the demo KB carries its licence', () => {
  expect(demo('LICENSE')).toContain('CC0-1.0');
});
