import { answerBrokenRequest } from './broken-request.js';
import { isLines } from './body.js';
import type { ApiRequest, ApiResponse, Next } from './exchange.js';

/**
 * How long a body may take, because a slow one holds a place in the line: a whole one so long in all, an upload of JSON
 * Lines so long without a byte. Node's own timeout knows the first rule only.
 */
export function bodyInTime(timeoutMs: number) {
  return (request: ApiRequest, response: ApiResponse, next: Next): void => {
    if (hasBody(request)) watch(request, { response, timeoutMs });
    next();
  };
}

function watch(
  request: ApiRequest,
  { response, timeoutMs }: { readonly response: ApiResponse; readonly timeoutMs: number },
): void {
  const giveUp = () => {
    stop();
    if (request.complete) return;
    if (!response.headersSent) answerBrokenRequest(TIMEOUT, request.socket);
    // Not at the client's leisure: the place in the line is free when the connection is gone.
    request.socket.destroySoon();
  };
  const timer = isLines(request)
    ? whenIdle(request, { timeoutMs, giveUp })
    : setTimeout(giveUp, timeoutMs);
  timer.unref();
  const stop = () => {
    clearTimeout(timer);
  };
  request.once('end', stop).once('close', stop);
}

function hasBody({ headers }: ApiRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

const TIMEOUT: NodeJS.ErrnoException = Object.assign(new Error('too slow'), {
  code: 'ERR_HTTP_REQUEST_TIMEOUT',
});

interface Idle {
  readonly timeoutMs: number;
  readonly giveUp: () => void;
}

/** Idle is a client that sends nothing although we have read all it sent; waiting for us is not its fault. */
function whenIdle(request: ApiRequest, { timeoutMs, giveUp }: Idle): NodeJS.Timeout {
  let heard = performance.now();
  let bytes = request.socket.bytesRead;
  return setInterval(() => {
    const { bytesRead } = request.socket;
    if (bytesRead !== bytes || request.readableLength > 0) heard = performance.now();
    bytes = bytesRead;
    if (performance.now() - heard >= timeoutMs) giveUp();
  }, timeoutMs / 4);
}
