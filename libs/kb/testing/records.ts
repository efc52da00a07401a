import { entityRecord, type EntityRecord } from '../../contract/entity.js';
import type { KbStore } from '../kb-store.js';

type Given = Parameters<typeof entityRecord.parse>[0];

/** A record as the reader hands it on; an id alone is enough. */
export function entity(given: { id: string; title?: string } & Record<string, unknown>): EntityRecord {
  return entityRecord.parse({ title: given.id, ...given } satisfies Given);
}

/** Imports records in one go. */
export async function importAll(store: KbStore, records: readonly EntityRecord[]) {
  await store.imports.begin();
  await store.imports.add(records);
  return store.imports.commit();
}

/** All items of a scan. */
export async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const page of pages) items.push(...page);
  return items;
}
