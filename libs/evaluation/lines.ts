import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { ReferentError } from '../contract/errors.js';

export interface Line {
  /** 1 is the first. */
  readonly number: number;
  readonly text: string;
}

const GZIP_MAGIC = 0x1f8b;

/**
 * The lines of a stream that are not blank. Only a line feed ends a line (and a carriage return before it is
 * dropped): `node:readline` also splits at U+2028, which may stand raw inside a JSON string.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const decoder = new StringDecoder('utf8');
  let number = 0;
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + decoder.write(Buffer.from(chunk))).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield* line(part, (number += 1));
  }
  yield* line(rest + decoder.end(), number + 1);
}

function* line(raw: string, number: number): Generator<Line> {
  const text = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
  if (text.trim() !== '')
    yield { number, text: number === 1 ? text.replace(/^\uFEFF/u, '') : text };
}

/** The lines of a file, unpacked where it begins with gzip's magic number; `invalid-input` where it cannot be read. */
export async function* linesOfFile(path: string): AsyncGenerator<Line> {
  try {
    yield* linesOf(await unpackedStream(path));
  } catch (cause) {
    throw asInputError(path, cause);
  }
}

async function unpackedStream(path: string): Promise<Readable> {
  const isGzip = await startsWithGzipMagic(path);
  const file = createReadStream(path);
  if (!isGzip) return file;
  const unpacked = createGunzip();
  file.on('error', (error) => unpacked.destroy(error));
  return file.pipe(unpacked);
}

async function startsWithGzipMagic(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.readUInt16BE() === GZIP_MAGIC;
  } finally {
    await file.close();
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; check the path',
  EISDIR: 'it is a folder; name a file',
  EACCES: 'it may not be read; check its permissions',
  Z_BUF_ERROR: 'the gzip data ends too early; copy or download the file again',
  Z_DATA_ERROR: 'the gzip data is damaged; copy or download the file again',
};

function asInputError(path: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = UNREADABLE[code];
  if (reason === undefined) return cause;
  return new ReferentError('invalid-input', `Cannot read ${path}: ${reason}.`, { cause });
}
