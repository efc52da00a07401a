import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Problem } from '../../../libs/contract/problem.js';

interface Broken {
  readonly status: number;
  readonly detail: string;
}

const BROKEN: Readonly<Record<string, Broken>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    detail: 'Path and headers have more than 16 kB: shorten them.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    detail: 'The request did not arrive in time: send it at once.',
  },
};
const NOT_HTTP: Broken = { status: 400, detail: 'This is not an HTTP/1.1 request.' };

/** Answers what Node's parser refuses before there is a request: the same problem details as everywhere. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { status, detail } = BROKEN[error.code ?? ''] ?? NOT_HTTP;
  const title = STATUS_CODES[status] ?? 'Error';
  const code = 'malformed-request';
  const requestId = randomUUID();
  const type = `urn:referent:problem:${code}`;
  const problem: Problem = { type, title, status, code, detail, instance: '', requestId };
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
