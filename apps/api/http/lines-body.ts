import { once } from 'node:events';
import { createGunzip } from 'node:zlib';
import { RequestError } from '../../../libs/contract/problem.js';
import { atMost, jsonLines, type JsonLine } from '../../../libs/jobs/json-lines.js';
import { ClientGone } from './arrival.js';
import type { ApiRequest } from './exchange.js';
import { HttpError } from './http-error.js';

export interface LinesLimits {
  /** After decompression. */
  readonly maxBytes: number;
  /** The setting that raises it. */
  readonly maxBytesSetting: string;
  readonly maxLineBytes: number;
}

/** The lines of a body of JSON Lines, plain or gzip, read no faster than they are taken. */
export function linesBody(
  request: ApiRequest,
  limits: LinesLimits,
): AsyncIterable<Iterable<JsonLine>> {
  const { maxBytes, maxLineBytes } = limits;
  const content = atMost(pieces(request), maxBytes, () => tooLarge(limits));
  return jsonLines(content, {
    name: 'The body',
    maxBytes: maxLineBytes,
    tooLong: `longer than ${maxLineBytes} bytes: split the text, or raise REFERENT_MAX_BODY_BYTES`,
  });
}

function tooLarge({ maxBytes, maxBytesSetting }: LinesLimits): RequestError {
  const detail = `the body has more than ${maxBytes} bytes: split the request, or raise ${maxBytesSetting}.`;
  return new RequestError('too-large', [{ pointer: '', detail }]);
}

/**
 * How the body is packed.
 * @throws HttpError `unsupported-media-type` for anything but plain and gzip.
 */
export function encodingOf({ headers }: ApiRequest): 'identity' | 'gzip' {
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === 'gzip') return encoding;
  throw new HttpError(
    'unsupported-media-type',
    `Content-Encoding is ${JSON.stringify(encoding)}: send the body plain or gzip.`,
  );
}

function pieces(request: ApiRequest): AsyncIterable<Buffer> {
  const encoding = encodingOf(request);
  const received = receive(request);
  return encoding === 'gzip' ? unpacked(received) : received;
}

/** Stopping early leaves the request as it is, so that there is a connection to answer on. */
async function* receive(request: ApiRequest): AsyncGenerator<Buffer> {
  try {
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw request.complete ? error : goneOr(error, request);
  }
}

function goneOr(error: unknown, { gone, destroyed }: ApiRequest): unknown {
  return gone.aborted || destroyed ? new ClientGone() : error;
}

/** Feeds the unpacker as fast as it is read. */
async function* unpacked(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  const fed = feed(chunks, gunzip);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
    await fed;
  } catch (error) {
    throw isGzipFault(error) ? damaged(error) : error;
  } finally {
    gunzip.destroy();
    await fed.catch(() => undefined);
  }
}

async function feed(
  chunks: AsyncIterable<Buffer>,
  gunzip: ReturnType<typeof createGunzip>,
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (gunzip.destroyed) return;
      if (!gunzip.write(chunk)) await Promise.race([once(gunzip, 'drain'), once(gunzip, 'close')]);
    }
    gunzip.end();
  } catch (error) {
    gunzip.destroy(error as Error);
  }
}

function isGzipFault(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}

function damaged(error: Error): HttpError {
  return new HttpError('malformed-json', `The body is not whole gzip data: ${error.message}.`);
}
