import type { EntityRecord } from '../contract/entity.js';
import { entityRecord } from '../contract/entity.js';

/**
 * A record with a JSON Merge Patch applied (RFC 7396): null takes a field away, an object is merged, all else replaces.
 * Fields that no entity has are those of `data`, as in a record. Not checked: the result is any value. Recursive, so
 * that the depth of the patch has to be bounded before.
 */
export function patched(record: EntityRecord, patch: unknown): unknown {
  return isObject(patch) ? merged(record, withData(patch)) : patch;
}

const FIELDS = new Set(Object.keys(entityRecord.shape));

function withData(patch: object): object {
  const entries = Object.entries(patch);
  const others = entries.filter(([field]) => !FIELDS.has(field));
  if (others.length === 0) return patch;
  const own = Object.fromEntries(entries.filter(([field]) => FIELDS.has(field)));
  const given: unknown = own['data'];
  const data = isObject(given) ? given : {};
  return { ...own, data: { ...Object.fromEntries(others), ...data } };
}

function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result = new Map<string, unknown>(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, merged(result.get(name), value));
  }
  return Object.fromEntries(result);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
