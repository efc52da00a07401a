import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GoldDocument } from '../../libs/evaluation/gold.js';

/**
 * The written worlds of training/namesakes as one world of all topics: entities, and the texts about the names that
 * training never sees. Their format, and which families of names are kept for dev, is explained in compile.py there.
 */
export interface Namesakes {
  readonly entities: readonly object[];
  /** Only mentions whose names were never seen in training. */
  readonly given: readonly GoldDocument[];
  /** The same texts with every mention: what detected mentions are judged by. */
  readonly detected: readonly GoldDocument[];
}

interface WrittenEntity {
  readonly id: string;
  readonly family: string;
}

interface WrittenMention {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly entityId: string | null;
  readonly family: string;
}

const ENTITIES = '.entities.jsonl';
const DEV_SHARE = 5;
/** `[[surface|entity id]]`, or `[[surface|?family]]` where nothing in the KB fits. */
const MARK = /\[\[([^[\]|]+)\|([^[\]|]+)\]\]/gu;

export async function readNamesakes(folder: string): Promise<Namesakes> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(ENTITIES)).sort();
  const topics = await Promise.all(
    files.map((file) => readTopic(folder, file.slice(0, -ENTITIES.length))),
  );
  return {
    entities: topics.flatMap(({ entities }) => entities),
    given: topics.flatMap(({ given }) => given),
    detected: topics.flatMap(({ detected }) => detected),
  };
}

async function readTopic(folder: string, topic: string): Promise<Namesakes> {
  const lines = async (file: string) =>
    (await readFile(join(folder, file), 'utf8')).split('\n').filter((line) => line.trim() !== '');
  const rows = (await lines(`${topic}${ENTITIES}`)).map(
    (line) => JSON.parse(line) as WrittenEntity,
  );
  return compileTopic(topic, rows, await lines(`${topic}.texts.txt`));
}

/** Ids get the topic before them: two topics may have the same one. */
export function compileTopic(
  topic: string,
  rows: readonly WrittenEntity[],
  lines: readonly string[],
): Namesakes {
  const families = new Map(rows.map(({ id, family }) => [id, family]));
  const idOf = (id: string) => `${topic}/${id}`;
  const texts = lines.map((line) => readText(line, { families, idOf }));
  const documents = (isWanted: (family: string) => boolean): GoldDocument[] =>
    texts.flatMap(({ text, mentions }, at) =>
      mentions.some(({ family }) => isDev(family))
        ? [
            {
              id: `${topic}-${at + 1}`,
              text,
              mentions: mentions.filter((one) => isWanted(one.family)),
            },
          ]
        : [],
    );
  return {
    entities: rows.map((entity) => ({ ...entity, id: idOf(entity.id), family: undefined })),
    given: documents(isDev),
    detected: documents(() => true),
  };
}

function readText(
  line: string,
  { families, idOf }: { families: ReadonlyMap<string, string>; idOf: (id: string) => string },
): { text: string; mentions: WrittenMention[] } {
  let text = '';
  let at = 0;
  const mentions: WrittenMention[] = [];
  for (const { 0: mark, 1: surface = '', 2: target = '', index } of line.matchAll(MARK)) {
    text += line.slice(at, index);
    const start = text.length;
    text += surface;
    at = index + mark.length;
    const isNil = target.startsWith('?');
    mentions.push({
      ...{ start, end: text.length, text: surface },
      entityId: isNil ? null : idOf(target),
      family: isNil ? target.slice(1) : (families.get(target) ?? ''),
    });
  }
  return { text: text + line.slice(at), mentions };
}

/** The SHA-256 of the family's name modulo five: as 16 is 1 modulo 5, the sum of its hexadecimal digits. */
export function isDev(family: string): boolean {
  const digits = createHash('sha256').update(family).digest('hex');
  const sum = Array.from(digits, (digit) => parseInt(digit, 16)).reduce((a, b) => a + b, 0);
  return sum % DEV_SHARE === 0;
}
