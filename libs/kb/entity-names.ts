import { crc32 } from 'node:zlib';
import type { EntityRecord } from '../contract/entity.js';
import { normaliseName } from '../text/normalise.js';

/** A name under which an entity is found. */
export interface EntityName {
  readonly normalised: string;
  readonly isTitle: boolean;
  /** The weight given for this entity under this name; null where neither alias nor entity has one. */
  readonly weight: number | null;
}

/** The distinct normalised names of an entity, title first. */
export function namesOf(record: EntityRecord): EntityName[] {
  const title = normaliseName(record.title);
  const weights = new Map<string, number | null>([[title, null]]);
  for (const alias of record.aliases) {
    const name = normaliseName(alias.name);
    weights.set(name, added(weights.get(name) ?? null, alias.prior ?? null));
  }
  weights.delete(''); // a name of combining marks only: nothing can be found by it
  return Array.from(weights, ([normalised, weight]) => ({
    normalised,
    isTitle: normalised === title,
    weight: weight ?? record.prior ?? null,
  }));
}

/** Spellings that normalise alike are one name: their counts add up. */
function added(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : a + b;
}

const ALIAS_OFFSET = 2 ** 32;

/**
 * Order of the entities that share a name: titles first, then by a hash of the id. A plain order of ids would
 * favour what was entered first, and the model card's figures were measured with this one (CRC-32).
 */
export function nameRank(id: string, isTitle: boolean): number {
  return crc32(id) + (isTitle ? 0 : ALIAS_OFFSET);
}

export function isTitleRank(rank: number): boolean {
  return rank < ALIAS_OFFSET;
}

/** P(entity | name) from the weights of all entities with that name. */
export function priorsOf(weights: readonly (number | null)[]): (number | null)[] {
  const total = weights.reduce<number>((sum, weight) => sum + (weight ?? 0), 0);
  return weights.map((weight) => (weight === null ? null : weight / total));
}
