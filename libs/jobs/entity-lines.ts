import type { BulkReportLine, LineError } from '../contract/entity-writes.js';
import { ReferentError } from '../contract/errors.js';
import { preview } from '../contract/faults.js';
import type { EntityWrite, Expectation, WriteOutcome, WriteReport } from '../kb/kb-store.js';
import { MAX_RECORD_BYTES, parseRecord, TOO_LONG } from './import-record.js';
import { atMost, jsonLines, type JsonLine } from './json-lines.js';
import { LinePages } from './line-pages.js';

export interface BulkOptions {
  /** Of all lines together, decompressed. */
  readonly maxBytes: number;
  /** Makes the writes of a page: all in one transaction, and linkable when it is done. */
  readonly write: (writes: readonly EntityWrite[]) => Promise<WriteReport>;
}

/** A line that can be written, or what is wrong with it. */
type Read = { readonly line: number; readonly id?: string } & (
  { readonly write: EntityWrite } | { readonly error: LineError }
);

/**
 * Entities as JSON Lines, written page by page, with a report of each line when its page is on disk. A page that
 * cannot be written is reported line by line, nothing of it was done, and the next one is tried.
 */
export async function* writeLines(
  content: AsyncIterable<Buffer>,
  { maxBytes, write }: BulkOptions,
): AsyncGenerator<readonly BulkReportLine[]> {
  const pages = new LinePages(lines(content, maxBytes));
  for await (const page of pages) yield reportsOf(page.map(readLine), write);
}

async function* lines(
  content: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Iterable<JsonLine>> {
  const options = { name: 'the body', maxBytes: MAX_RECORD_BYTES, tooLong: TOO_LONG };
  yield* jsonLines(
    atMost(content, maxBytes, () => tooLarge(maxBytes)),
    options,
  );
}

export function tooLarge(maxBytes: number): ReferentError {
  return new ReferentError(
    'too-large',
    `the lines have more than ${maxBytes} bytes in all: send them in parts, or raise REFERENT_MAX_BULK_BYTES.`,
  );
}

async function reportsOf(
  page: readonly Read[],
  write: BulkOptions['write'],
): Promise<readonly BulkReportLine[]> {
  const writes = page.flatMap((line) => ('write' in line ? [line.write] : []));
  const done = writes.length === 0 ? { outcomes: [] } : await attempt(writes, write);
  let next = 0;
  return page.map((line): BulkReportLine => {
    if ('error' in line) return { line: line.line, ...idOf(line), error: line.error };
    const place = { line: line.line, id: line.write.id };
    if ('error' in done) return { ...place, error: done.error };
    return { ...place, ...told(done.outcomes[next++], line.write) };
  });
}

async function attempt(
  writes: readonly EntityWrite[],
  write: BulkOptions['write'],
): Promise<Pick<WriteReport, 'outcomes'> | { readonly error: LineError }> {
  try {
    return await write(writes);
  } catch (error) {
    if (!(error instanceof ReferentError)) throw error;
    return { error: { code: error.code, detail: `${error.message} Nothing of it was written.` } };
  }
}

function told(outcome: WriteOutcome | undefined, { id, record }: EntityWrite) {
  const { status = 'absent', tag = null } = outcome ?? {};
  const etag = tag === null ? {} : { etag: tag };
  if (status !== 'stale') return { status, ...etag };
  const what = record === null ? 'deleted' : 'written';
  const detail = `entity ${preview(id)} is in another state than expected, and was not ${what}: read it again.`;
  return { error: { code: 'stale' as const, detail, ...etag } };
}

function idOf({ id }: Read): { id?: string } {
  return id === undefined ? {} : { id };
}

function readLine({ line, value, reason }: JsonLine): Read {
  if (reason !== undefined) return { line, error: { code: 'invalid-input', detail: reason } };
  try {
    return { line, write: writeOf(value) };
  } catch (error) {
    if (!(error instanceof ReferentError)) throw error;
    return { line, ...givenId(value), error: { code: error.code, detail: error.message } };
  }
}

function givenId(value: unknown): { id?: string } {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
  return typeof id === 'string' ? { id: id.slice(0, 512) } : {};
}

/** @throws ReferentError `invalid-input` with what is wrong. */
function writeOf(value: unknown): EntityWrite {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong('expected an object: an entity, or {"id": …, "delete": true}');
  }
  const { delete: isDeletion, ifMatch, ifNoneMatch, ...rest } = value as Record<string, unknown>;
  const expected = expectationOf(ifMatch, ifNoneMatch);
  if (isDeletion !== undefined && typeof isDeletion !== 'boolean') {
    throw wrong('delete: expected true or false');
  }
  if (isDeletion === true) return { id: deletedId(rest), record: null, expected };
  const parsed = parseRecord(rest);
  if ('reason' in parsed) throw wrong(parsed.reason);
  return { id: parsed.record.id, record: parsed.record, expected };
}

function deletedId({ id, ...others }: Record<string, unknown>): string {
  const [other] = Object.keys(others);
  if (other !== undefined) throw wrong(`${other}: a deletion has an id alone, and maybe ifMatch`);
  if (typeof id !== 'string' || id === '') throw wrong('id: expected the id of an entity');
  return id;
}

const TAG = /^"?([0-9a-f]{32})"?$/;

function expectationOf(ifMatch: unknown, ifNoneMatch: unknown): Expectation {
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*' || ifMatch !== undefined) {
      throw wrong('ifNoneMatch: expected "*" (there is no such entity yet), without ifMatch');
    }
    return { state: 'absent' };
  }
  if (ifMatch === undefined) return { state: 'any' };
  if (ifMatch === '*') return { state: 'present' };
  const tag = typeof ifMatch === 'string' ? TAG.exec(ifMatch)?.[1] : undefined;
  if (tag === undefined) throw wrong('ifMatch: expected an etag as it was answered, or "*"');
  return { state: 'tagged', tags: [tag] };
}

function wrong(detail: string): ReferentError {
  return new ReferentError('invalid-input', detail);
}
