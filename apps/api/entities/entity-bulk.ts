import type {
  BulkReportLine,
  BulkSummary,
  LineError,
} from '../../../libs/contract/entity-writes.js';
import { ReferentError } from '../../../libs/contract/errors.js';
import { RequestError } from '../../../libs/contract/problem.js';
import { tooLarge, writeLines } from '../../../libs/jobs/entity-lines.js';
import { contentOf } from '../../../libs/jobs/import-source.js';
import type { OpenKbs } from '../../../libs/linking/open-kbs.js';
import type { ApiRequest, ApiResponse } from '../http/exchange.js';
import { encodingOf } from '../http/lines-body.js';
import type { EntityWriting } from './entity-writing.js';

export interface EntityBulkOptions {
  readonly kbs: OpenKbs;
  readonly writing: EntityWriting;
  /** Of one stream, decompressed. */
  readonly maxBytes: number;
}

const DISCARD_MS = 10_000;

/** Streams of entities: lines in, a report of each line out as soon as it is on disk. */
export class EntityBulk {
  constructor(private readonly options: EntityBulkOptions) {}

  /** Answers by itself, line by line; what throws before the first line becomes a usual problem. */
  async write(kb: string | undefined, request: ApiRequest, response: ApiResponse): Promise<void> {
    const { kbs, writing, maxBytes } = this.options;
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    // gzip is known by its first bytes, whatever it is called.
    encodingOf(request);
    await kbs.get(kb);
    response.statusCode = 200;
    response.setHeader('Content-Type', 'application/x-ndjson; charset=utf-8');
    const counts = new Map<string, number>();
    const pages = writeLines(linesIn(request), {
      maxBytes,
      write: (writes) => writing.write(kb, writes),
    });
    try {
      for await (const reports of pages) {
        for (const report of reports) count(counts, report);
        await send(response, reports, request.gone);
      }
    } catch (error) {
      if (request.gone.aborted) return;
      if (!(error instanceof ReferentError) || !response.headersSent) {
        discard(request);
        throw error;
      }
      // What was reported is written; the rest was not read.
      const failure: LineError = { code: error.code, detail: error.message };
      await send(response, [{ error: failure }], request.gone);
      response.end();
      discard(request);
      return;
    }
    if (!counts.has('lines')) throw noLine();
    await send(response, [summaryOf(counts)], request.gone);
    response.end();
  }
}

function noLine(): RequestError {
  const detail = 'the body has no line: send an entity a line, as JSON.';
  return new RequestError('invalid-input', [{ pointer: '', detail }]);
}

/** Decompressed, and without a byte order mark. */
function linesIn(request: ApiRequest): AsyncIterable<Buffer> {
  const source = {
    name: 'the body',
    format: 'jsonl' as const,
    bytes: null,
    // Destroying the request would take the answer with it.
    open: () => request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>,
  };
  return contentOf(source, () => undefined, 'send it again: lines that were reported are written.');
}

/** A client that is still sending would not read the answer of a connection that is closed; but not for ever. */
function discard(request: ApiRequest): void {
  request.resume();
  const bound = setTimeout(() => request.socket.destroy(), DISCARD_MS).unref();
  request.once('close', () => {
    clearTimeout(bound);
  });
}

function count(counts: Map<string, number>, report: BulkReportLine): void {
  const what = 'error' in report ? 'failed' : report.status;
  counts.set(what, (counts.get(what) ?? 0) + 1);
  counts.set('lines', (counts.get('lines') ?? 0) + 1);
}

const COUNTED = [
  'lines',
  'created',
  'changed',
  'unchanged',
  'deleted',
  'absent',
  'failed',
] as const;

function summaryOf(counts: ReadonlyMap<string, number>): BulkSummary {
  return { summary: Object.fromEntries(COUNTED.map((name) => [name, counts.get(name) ?? 0])) };
}

/** Waits where the client does not read: nothing more is read of it either then. */
async function send(
  response: ApiResponse,
  lines: readonly (BulkReportLine | BulkSummary | { readonly error: LineError })[],
  gone: AbortSignal,
): Promise<void> {
  gone.throwIfAborted();
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  if (response.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done).once('close', done);
  });
}
