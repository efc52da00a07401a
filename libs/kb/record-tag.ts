import { hash } from 'node:crypto';
import type { EntityRecord } from '../contract/entity.js';

/** One spelling of a record, whatever the order of its fields was: equal text, equal record. */
export function serialise(record: EntityRecord): string {
  const { id, title, aliases, description, types, prior, url, data } = record;
  return JSON.stringify({ id, title, aliases, description, types, prior, url, data });
}

/** Names a state of a record: equal records, equal tags. 32 hex digits; the entity's ETag. */
export function recordTag(record: EntityRecord): string {
  return tagOf(serialise(record));
}

/** The tag of a record that is at hand as `serialise` wrote it. */
export function tagOf(serialised: string): string {
  return hash('sha256', serialised, 'hex').slice(0, 32);
}
