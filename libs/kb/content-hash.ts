import { hash } from 'node:crypto';
import type { EntityRecord } from '../contract/entity.js';

/** Hex SHA-256 over all that an encoder may read of an entity: equal hash, equal vector. */
export function contentHash(record: EntityRecord): string {
  const names = record.aliases.map((alias) => alias.name);
  const content = [record.title, names, record.types, record.description];
  return hash('sha256', JSON.stringify(content), 'hex');
}
