import type { EntityRecord } from '../contract/entity.js';
import { normaliseName } from '../text/normalise.js';
import type { StoredEntity } from './kb-store.js';

/** What is the same of entities in every store. */

interface EntityRow {
  readonly key: number;
  readonly record: string;
  readonly content_hash: Uint8Array;
}

export function storedEntity({ key, record, content_hash }: EntityRow): StoredEntity {
  return {
    key,
    record: JSON.parse(record) as EntityRecord,
    contentHash: Buffer.from(content_hash).toString('hex'),
  };
}

export const SCAN_PAGE = 500;

/** Pages of the entities above `afterKey`; `pageAfter` gives the next ones above a key, none at the end. */
export async function* scanned(
  afterKey: number,
  pageAfter: (key: number) => Promise<readonly StoredEntity[]>,
): AsyncIterable<readonly StoredEntity[]> {
  for (let last = afterKey; ;) {
    const page = await pageAfter(last);
    const end = page.at(-1);
    if (end === undefined) return;
    yield page;
    last = end.key;
  }
}

/** Ways of finding keys for a search box, each best first. */
export interface KeySearches {
  readonly withName: (name: string, limit: number) => Promise<readonly number[]>;
  readonly withPrefix: (prefix: string, limit: number) => Promise<readonly number[]>;
  readonly withWords: (words: readonly string[], limit: number) => Promise<readonly number[]>;
}

/** Names before beginnings of names before words; each key once, and a way is not asked where there are enough. */
export async function searchedKeys(
  text: string,
  limit: number,
  { withName, withPrefix, withWords }: KeySearches,
): Promise<number[]> {
  const name = normaliseName(text);
  if (name === '' || limit < 1) return [];
  const keys = new Set(await withName(name, limit));
  if (keys.size < limit) for (const key of await withPrefix(name, limit)) keys.add(key);
  if (keys.size < limit) for (const key of await withWords(name.split(' '), limit)) keys.add(key);
  return [...keys].slice(0, limit);
}
