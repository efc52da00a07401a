import { toUSVString } from 'node:util';
import { z } from 'zod';
import { ENTITY_LIMITS, entityRecord, type EntityRecord } from '../contract/entity.js';

export type ParsedRecord =
  { readonly record: EntityRecord; readonly unknownFields: readonly string[] } | BadRecord;

/** What is wrong with a record, and where. */
export interface RecordFault {
  /** Of the field; empty where the record itself is wrong. */
  readonly path: readonly PropertyKey[];
  readonly detail: string;
}

export interface BadRecord {
  /** The first fault with its place, in a line. */
  readonly reason: string;
  readonly faults: readonly RecordFault[];
}

const FIELDS = new Set(Object.keys(entityRecord.shape));

/**
 * Checks one record as it came from a file. Fields that are null count as absent; fields that are not known are
 * kept in `data`. NUL is refused (the stores cut or reject it), and so is an id with half of a surrogate pair;
 * in other texts such a half becomes U+FFFD: it comes from cutting a text inside an emoji.
 */
export function parseRecord(value: unknown): ParsedRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return bad({
      path: [],
      detail: `expected an object with id and title, found ${kindOf(value)}`,
    });
  }
  const { given, unknown } = sorted(value);
  const depth = checkDepth(given);
  if (depth !== undefined) return bad(depth);
  // Nearly all records have no such text: one look instead of a copy of each.
  const isPlain = !someText(given, isOdd);
  const text = isPlain ? undefined : checkText(given);
  if (text !== undefined) return bad(text);
  const parsed = entityRecord.safeParse(isPlain ? given : wellFormed(given));
  if (!parsed.success) return bad(...faultsOf(parsed.error, given));
  return { record: parsed.data, unknownFields: unknown };
}

function bad(...faults: readonly RecordFault[]): BadRecord {
  const [{ path, detail } = { path: [], detail: 'not an entity' }] = faults;
  const place = path.map(String).join('.');
  return { reason: place === '' ? detail : `${place}: ${detail}`, faults };
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}

/** Known fields as they are, the others inside `data`. */
function sorted(value: object): { given: Record<string, unknown>; unknown: string[] } {
  const given: Record<string, unknown> = {};
  const unknown: [string, unknown][] = [];
  for (const [field, content] of Object.entries(value)) {
    if (content === null) continue;
    if (FIELDS.has(field)) given[field] = content;
    else unknown.push([field, content]);
  }
  if (unknown.length > 0 && (given['data'] === undefined || isObject(given['data']))) {
    given['data'] = { ...Object.fromEntries(unknown), ...given['data'] };
  }
  return { given, unknown: unknown.map(([field]) => field) };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Levels of objects and lists in one field; what comes after this check walks them by recursion. */
const MAX_LEVELS = 64;

function checkDepth(given: Record<string, unknown>): RecordFault | undefined {
  const field = Object.keys(given).find((name) => isTooDeep(given[name]));
  if (field === undefined) return undefined;
  return { path: [field], detail: `nested more than ${MAX_LEVELS} levels deep; make it flatter` };
}

/** Level by level: recursion would overflow the stack on the very values that are to be found. */
export function isTooDeep(value: unknown): boolean {
  let level = [value].filter(isNested);
  for (let depth = 0; depth < MAX_LEVELS && level.length > 0; depth++) {
    level = level.flatMap((nested) => Object.values(nested).filter(isNested));
  }
  return level.length > 0;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function checkText(given: Record<string, unknown>): RecordFault | undefined {
  if (typeof given['id'] === 'string' && given['id'] !== toUSVString(given['id'])) {
    const detail = 'holds half of a surrogate pair (a cut emoji); give it in well-formed Unicode';
    return { path: ['id'], detail };
  }
  const field = Object.keys(given).find((name) => someText(given[name], hasNul));
  if (field === undefined) return undefined;
  return { path: [field], detail: 'holds a NUL character (U+0000); take it out' };
}

const hasNul = (text: string) => text.includes('\0');
const isOdd = (text: string) => hasNul(text) || text !== toUSVString(text);

function someText(value: unknown, test: (text: string) => boolean): boolean {
  if (typeof value === 'string') return test(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((each) => someText(each, test));
  return Object.entries(value).some(([key, content]) => test(key) || someText(content, test));
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return toUSVString(value);
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, content]) => [toUSVString(key), wellFormed(content)]),
  );
}

/** Each fault, and what the value has where a limit is broken. */
function faultsOf(error: z.ZodError, given: Record<string, unknown>): RecordFault[] {
  return error.issues.map((issue) => {
    const [field] = issue.path;
    const value = typeof field === 'string' ? given[field] : undefined;
    return { path: issue.path, detail: `${issue.message}${sizeOf(issue, value)}` };
  });
}

function sizeOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code !== 'too_big' || issue.path.length !== 1) return '';
  if (typeof value === 'string') return ` (it has ${value.length})`;
  return Array.isArray(value) ? ` (it has ${value.length})` : '';
}

/** A line cannot be longer: a record at all its limits, in UTF-8 with escapes, takes less. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024;

export const TOO_LONG = `longer than ${MAX_RECORD_BYTES.toLocaleString('en-US')} bytes (a description may have ${ENTITY_LIMITS.descriptionChars.toLocaleString('en-US')} characters)`;
export const NOT_UTF8 = 'not valid UTF-8; convert the file (for instance: iconv -t UTF-8)';
