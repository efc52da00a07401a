import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ReferentError } from '../contract/errors.js';

export type ImportFormat = 'jsonl' | 'csv' | 'tsv';

/** Something to import from, not opened yet. */
export interface ImportSource {
  /** For messages: the file's path, or '(stdin)'. */
  readonly name: string;
  readonly format: ImportFormat;
  /** Bytes that will be read, compressed where the file is; null for a stream. */
  readonly bytes: number | null;
  readonly open: () => AsyncIterable<Buffer>;
}

/** Small, because what is read ahead of the records makes the estimate of their number too low. */
const CHUNK_BYTES = 64 * 1024;

/** A file by its path; the name says whether it is CSV or TSV, else it is JSON Lines. */
export async function fileSource(path: string): Promise<ImportSource> {
  const status = await statusOf(path);
  if (status.isDirectory()) {
    throw new ReferentError('invalid-input', `${path} is a folder; name the files in it`);
  }
  return {
    name: path,
    format: formatOf(path),
    bytes: status.isFile() ? status.size : null,
    open: () => createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>,
  };
}

/** A stream such as `process.stdin`. */
export function streamSource(
  stream: Readable,
  format: ImportFormat = 'jsonl',
  name = '(stdin)',
): ImportSource {
  return { name, format, bytes: null, open: () => stream as AsyncIterable<Buffer> };
}

/** Of all sources; null where one is a stream. */
export function totalBytes(sources: readonly ImportSource[]): number | null {
  return sources.reduce<number | null>(
    (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
    0,
  );
}

export function formatOf(path: string): ImportFormat {
  const match = /\.(csv|tsv)(\.gz)?$/i.exec(basename(path));
  return (match?.[1]?.toLowerCase() ?? 'jsonl') as ImportFormat;
}

async function statusOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    throw new ReferentError('invalid-input', `cannot read ${path}: ${String(error)}`, {
      cause: error,
    });
  }
}

/**
 * The content of a source, decompressed and without a byte order mark; `onBytes` hears of every chunk as it is in the
 * file. `advice` says what to do where the source breaks off.
 */
export async function* contentOf(
  source: ImportSource,
  onBytes: (count: number) => void,
  advice = 'fetch it again and repeat the import. Nothing of it became visible.',
): AsyncGenerator<Buffer> {
  const raw = counted(source.open(), onBytes);
  const head = await readHead(raw);
  if (head.length === 0) return;
  assertReadable(head, source.name);
  const whole = rejoined(head, raw);
  try {
    yield* isGzip(head) ? withoutBom(gunzipped(whole)) : withoutBom(whole);
  } catch (error) {
    throw damaged(source.name, error, advice);
  }
}

async function* counted(
  chunks: AsyncIterable<Buffer>,
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}

/** Enough of the beginning to know the format; a pipe may deliver single bytes. */
async function readHead(chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < 6) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

async function* gunzipped(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  const flow = pipeline(Readable.from(chunks, { highWaterMark: 1 }), gunzip);
  flow.catch(() => undefined); // it rejects the loop below too
  yield* gunzip as AsyncIterable<Buffer>;
  await flow;
}

async function* withoutBom(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const head = await readHead(chunks);
  yield head.toString('hex', 0, 3) === 'efbbbf' ? head.subarray(3) : head;
  yield* chunks;
}

async function* rejoined(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* rest;
}

function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

const UNREADABLE: readonly (readonly [magic: string, what: string])[] = [
  ['504b0304', 'a ZIP archive'],
  ['425a68', 'compressed with bzip2'],
  ['fd377a58', 'compressed with xz'],
  ['28b52ffd', 'compressed with zstd'],
  ['fffe', 'in UTF-16'],
  ['feff', 'in UTF-16'],
];

function assertReadable(head: Buffer, name: string): void {
  const hex = head.toString('hex');
  const found = UNREADABLE.find(([magic]) => hex.startsWith(magic));
  if (found === undefined) return;
  throw new ReferentError(
    'invalid-input',
    `${name} is ${found[1]}; give UTF-8 text, plain or compressed with gzip`,
  );
}

function damaged(name: string, error: unknown, advice: string): unknown {
  if (error instanceof ReferentError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new ReferentError(
    'import-failed',
    `${name} cannot be read to its end (${reason}): it is truncated or damaged; ${advice}`,
    { cause: error },
  );
}
