import type { IncomingHttpHeaders } from 'node:http';
import { preview } from '../../../libs/contract/faults.js';
import { RequestError } from '../../../libs/contract/problem.js';
import type { Expectation } from '../../../libs/kb/kb-store.js';

/** A strong entity tag (RFC 9110, section 8.8.3) of a state of a record. */
export function etagOf(tag: string): string {
  return `"${tag}"`;
}

/**
 * In which state the entity has to be for a write (RFC 9110, section 13).
 * @throws RequestError `invalid-input` where the headers make no sense.
 */
export function expectationOf(headers: IncomingHttpHeaders): Expectation {
  const match = headers['if-match'];
  const noneMatch = headers['if-none-match'];
  if (match === undefined && noneMatch === undefined) return { state: 'any' };
  if (match !== undefined && noneMatch !== undefined) {
    throw wrong('If-Match', 'comes with If-None-Match: send one of them.');
  }
  if (match !== undefined) return matching(match);
  if (noneMatch?.trim() === '*') return { state: 'absent' };
  throw wrong(
    'If-None-Match',
    `is ${preview(noneMatch)}: for a write only * makes sense (create).`,
  );
}

/** Whether who asks has this state already; weak comparison, as for reads. */
export function isKnown(headers: IncomingHttpHeaders, tag: string): boolean {
  const given = headers['if-none-match'];
  if (given === undefined) return false;
  return given.trim() === '*' || tagsOf(given).some((one) => one.tag === tag);
}

/** Weak tags never match in a write: they do not say that two states are the same to the byte. */
function matching(header: string): Expectation {
  if (header.trim() === '*') return { state: 'present' };
  const tags = tagsOf(header);
  if (tags.length > 0) {
    return { state: 'tagged', tags: tags.filter(({ isWeak }) => !isWeak).map(({ tag }) => tag) };
  }
  throw wrong('If-Match', `is ${preview(header)}: expected an ETag as it was answered, or *.`);
}

function tagsOf(header: string): { readonly tag: string; readonly isWeak: boolean }[] {
  return Array.from(header.matchAll(/(W\/)?"([^"]*)"/g), ([, weak, tag = '']) => ({
    tag,
    isWeak: weak !== undefined,
  }));
}

function wrong(parameter: string, detail: string): RequestError {
  return new RequestError('invalid-input', [{ parameter, detail }]);
}
