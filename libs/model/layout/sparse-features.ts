import type { EntityText } from '../entity-text.js';
import type { ModelLimits } from '../manifest.js';

/**
 * What the encoders cannot read from lower-cased pieces (Gillick et al. 2019, sec. 4.1, adapted): the shape of a
 * mention's surface or an entity's title, and the entity's types by hash. A feature is a number from 1; 0 is
 * padding. The same in Python: training/sparse.py, held to this by test/support/sparse-golden.json.
 */
const SHAPES = [
  'lower',
  'capitalised',
  'upper',
  'mixed',
  'title',
  'number',
  'symbols',
  'coded',
] as const;
type Shape = (typeof SHAPES)[number];

const CODE = /[a-z][A-Z]|[_()]|[\p{L}\p{N}_][.:][\p{L}\p{N}_]|::/u;
const LETTERS = /\p{L}/gu;
const DIGIT = /\p{Nd}/u;
const CAPITAL = /\p{Lu}/u;
const WORDS = /[\p{L}\p{N}_]+/gu;
const FIRST_TYPE = 1 + SHAPES.length;

function shapeOf(name: string): Shape {
  if (CODE.test(name)) return 'coded';
  const letters = name.match(LETTERS) ?? [];
  if (letters.length === 0) return DIGIT.test(name) ? 'number' : 'symbols';
  if (letters.length > 1 && letters.every((letter) => CAPITAL.test(letter))) return 'upper';
  if (!letters.some((letter) => CAPITAL.test(letter))) return 'lower';
  const words = (name.match(WORDS) ?? []).filter((word) => /^\p{L}/u.test(word));
  const allBegin = words.length > 0 && words.every((word) => /^\p{Lu}/u.test(word));
  if (!allBegin) return 'mixed';
  return words.length > 1 ? 'title' : 'capitalised';
}

const utf8 = new TextEncoder();

/** 32-bit FNV-1a over UTF-8 (Fowler, Noll, Vo). */
function fnv1a(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of utf8.encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

function shapeFeature(name: string): number {
  return 1 + SHAPES.indexOf(shapeOf(name));
}

export function mentionFeatures(surface: string): number[] {
  return [shapeFeature(surface)];
}

/** The title's shape, then as many types as there is room for. */
export function entityFeatures(
  { title, types }: Pick<EntityText, 'title' | 'types'>,
  { sparseBuckets, sparseFeatures }: Pick<ModelLimits, 'sparseBuckets' | 'sparseFeatures'>,
): number[] {
  const buckets = sparseBuckets - FIRST_TYPE;
  const hashed = types
    .slice(0, sparseFeatures - 1)
    .map((type) => FIRST_TYPE + (fnv1a(type.trim().toLowerCase()) % buckets));
  return [shapeFeature(title), ...hashed];
}

/** Lists of features as rows of `width`, padded with 0. [N, width] */
export function featureRows(rows: readonly (readonly number[])[], width: number): Int32Array {
  const out = new Int32Array(rows.length * width);
  rows.forEach((row, at) => {
    out.set(row, at * width);
  });
  return out;
}
