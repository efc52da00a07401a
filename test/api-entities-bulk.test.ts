import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import type { BulkReportLine, BulkSummary } from '../libs/contract/entity-writes.js';
import { annotateTextResponse } from '../libs/contract/responses.js';
import { HOMONYMS } from './support/homonyms.js';
import { runningApi, type RunningApi } from './support/running-api.js';

const MAX_BYTES = 60_000_000;

let api: RunningApi;
beforeAll(async () => {
  api = await runningApi(
    { demo: HOMONYMS },
    { REFERENT_THREADS: '1', REFERENT_MAX_BULK_BYTES: String(MAX_BYTES) },
  );
});
afterAll(() => api.close());

type Line = BulkReportLine & Partial<BulkSummary> & { readonly error?: { readonly code: string } };

async function bulk(body: string | Uint8Array, query = ''): Promise<Line[]> {
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const answer = await api.post(`/v1/entities${query}`, body, { headers });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/ndjson/);
  return String(answer.body)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

const codeOf = ({ error }: { readonly error?: { readonly code: string } }) => error?.code;

const lines = (...values: readonly unknown[]) =>
  values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join('\n');

/** An upload whose lines are sent one by one, and whose report is read line by line. */
function upload() {
  const sent = request(`${api.url}/v1/entities`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
  });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  sent.flushHeaders();
  let reports: AsyncIterator<string> | undefined;
  const next = async (): Promise<Line> => {
    if (reports === undefined) {
      const [response] = await answered;
      reports = createInterface(response)[Symbol.asyncIterator]();
    }
    const read = await reports.next();
    return JSON.parse(String(read.value)) as Line;
  };
  return { sent, next };
}

describe('POST /v1/entities with JSON Lines', () => {
  it('reports every line, and goes on after bad ones', async () => {
    const report = await bulk(
      lines(
        { id: 'b1', title: 'One' },
        '{"id": "b2", ',
        '',
        { id: 'b3' },
        { id: 'b3', title: 'Three' },
        { id: 'b1', title: 'One' },
        { id: 'b1', delete: true },
        { id: 'b1', delete: true },
        { id: 'b1', delete: true, ifMatch: '*' },
        { id: 'b3', title: 'x', ifNoneMatch: '*' },
        { id: 'b3', title: 'x', ifMatch: 'nonsense' },
        { id: 'b3', delete: true, title: 'x' },
        'null',
        { id: 'b4', title: 'Four\0' },
        { id: 'b5', title: 'Five' },
      ),
    );
    const told = report.map((line) => [
      line.line,
      line.id,
      'status' in line ? line.status : codeOf(line),
    ]);
    expect(told).toEqual([
      [1, 'b1', 'created'],
      [2, undefined, 'invalid-input'],
      [4, 'b3', 'invalid-input'],
      [5, 'b3', 'created'],
      [6, 'b1', 'unchanged'],
      [7, 'b1', 'deleted'],
      [8, 'b1', 'absent'],
      [9, 'b1', 'stale'],
      [10, 'b3', 'stale'],
      [11, 'b3', 'invalid-input'],
      [12, 'b3', 'invalid-input'],
      [13, undefined, 'invalid-input'],
      [14, 'b4', 'invalid-input'],
      [15, 'b5', 'created'],
      [undefined, undefined, undefined],
    ]);
    expect(report.at(-1)?.summary).toEqual({
      lines: 14, created: 3, changed: 0, unchanged: 1, deleted: 1, absent: 1, failed: 8,
    }); // prettier-ignore
  });

  it('gives the tag with which a line can be changed again', async () => {
    const [made] = await bulk(lines({ id: 't1', title: 'One' }));
    const etag = made !== undefined && 'status' in made ? made.etag : undefined;
    const [changed, late] = await bulk(
      lines({ id: 't1', title: 'Two', ifMatch: etag }, { id: 't1', title: 'Three', ifMatch: etag }),
    );
    expect(changed).toMatchObject({ status: 'changed' });
    expect(late).toMatchObject({
      error: { code: 'stale', etag: (changed as { etag: string }).etag },
    });
  });

  it('writes many lines, which are linkable when they are reported', async () => {
    const many = Array.from({ length: 700 }, (_, at) => ({
      id: `m${at}`,
      title: `Zorvanqel ${at}`,
    }));
    const report = await bulk(lines(...many));
    expect(report.at(-1)?.summary).toMatchObject({ lines: 700, created: 700, failed: 0 });
    const text = 'Zorvanqel 699 was the last.';
    const { body } = await api.post('/v1/annotate', { text, options: { minConfidence: 0 } });
    expect(annotateTextResponse.parse(body).links.map(({ entityId }) => entityId)).toContain(
      'm699',
    );
    expect((await bulk(lines(...many))).at(-1)?.summary).toMatchObject({ unchanged: 700 });
  });

  it('reports a line while the next is still to come', async () => {
    const { sent, next } = upload();
    for (const id of ['s1', 's2', 's3']) {
      sent.write(`${JSON.stringify({ id, title: id })}\n`);
      expect(await next()).toMatchObject({ id, status: 'created' });
      expect((await api.get(`/v1/entities/${id}`)).status).toBe(200);
    }
    sent.end();
    expect((await next()).summary).toMatchObject({ lines: 3 });
  });

  it('keeps the whole lines of a client that goes away', async () => {
    const { sent, next } = upload();
    sent.write(lines({ id: 'g1', title: 'g1' }, '{"id":"g2","tit'));
    expect(await next()).toMatchObject({ id: 'g1', status: 'created' });
    sent.destroy();
    sent.on('error', () => undefined);
    expect((await api.get('/v1/entities/g1')).status).toBe(200);
    expect((await api.get('/v1/entities/g2')).status).toBe(404);
    expect(await bulk(lines({ id: 'g2', title: 'g2' }))).toMatchObject([{ status: 'created' }, {}]);
  });

  it('refuses a line that is too long, alone', async () => {
    const report = await bulk(
      lines(
        { id: 'l1', title: 'l1' },
        { id: 'l2', title: 'x'.repeat(4_200_000) },
        { id: 'l3', title: 'l3' },
      ),
    );
    expect(report).toMatchObject([
      { id: 'l1', status: 'created' },
      { line: 2, error: { code: 'invalid-input' } },
      { id: 'l3', status: 'created' },
      {},
    ]);
  });

  it('refuses more bytes than it may read, before them where it is told', async () => {
    const line = `${JSON.stringify({ id: 'x', title: 'x', description: 'y'.repeat(90_000) })}\n`;
    const told = request(`${api.url}/v1/entities`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson', 'Content-Length': MAX_BYTES + 1 },
    });
    told.flushHeaders();
    const [refused] = (await once(told, 'response')) as [IncomingMessage];
    expect(refused.statusCode).toBe(413);
    told.destroy();
    const report = await bulk(gzipSync(line.repeat(700)));
    expect(report.at(-1)).toMatchObject({ error: { code: 'too-large' } });
    expect(report.at(-1)?.summary).toBeUndefined();
    expect(report[0]).toMatchObject({ id: 'x', status: 'created' });
  });

  it('reads nothing more while nobody reads the report', async () => {
    const sent = request(`${api.url}/v1/entities`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson' },
    });
    sent.on('error', () => undefined);
    const bad = `"${'x'.repeat(20)}"\n`.repeat(1_000);
    let accepted = 0;
    let isBlocked = false;
    for (let at = 0; at < 2_000 && !isBlocked; at++) {
      if (sent.write(bad)) {
        accepted += bad.length;
        continue;
      }
      const drained = once(sent, 'drain').then(() => false);
      isBlocked = await Promise.race([drained, new Promise<boolean>((resolve) => { setTimeout(resolve, 1_000, true); })]); // prettier-ignore
    }
    sent.destroy();
    expect(isBlocked).toBe(true);
    expect(accepted).toBeLessThan(MAX_BYTES / 2);
  });

  it('refuses a body without a line or in an unknown encoding, and another knowledge base', async () => {
    const headers = { 'Content-Type': 'application/x-ndjson' };
    expect((await api.post('/v1/entities', '', { headers })).status).toBe(400);
    const brotli = { ...headers, 'Content-Encoding': 'br' };
    const line = lines({ id: 'x', title: 'x' });
    expect((await api.post('/v1/entities', line, { headers: brotli })).status).toBe(415);
    const answer = await api.post('/v1/entities?kb=nowhere', lines({ id: 'x', title: 'x' }), {
      headers,
    });
    expect(answer.status).toBe(404);
  });

  it('takes one entity as JSON', async () => {
    const made = await api.post('/v1/entities', { id: 'j1', title: 'J' });
    expect(made).toMatchObject({ status: 201, body: { status: 'created', entity: { id: 'j1' } } });
    expect((await api.post('/v1/entities', { id: 'j1', title: 'K' })).status).toBe(200);
    expect((await api.post('/v1/entities', { title: 'K' })).status).toBe(400);
  });
});
