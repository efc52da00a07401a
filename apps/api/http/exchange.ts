import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the middleware of this folder knows of a request and adds to it; Express adds `body` and `originalUrl`. */
export interface ApiRequest extends IncomingMessage {
  originalUrl: string;
  body?: unknown;
  requestId: string;
  /** Aborted when the client goes away before the answer is sent. */
  gone: AbortSignal;
}

export type ApiResponse = ServerResponse<ApiRequest>;
export type Next = (error?: unknown) => void;

/** The path without the query, which may hold what a user searched for. */
export function pathOf(request: Pick<ApiRequest, 'originalUrl'>): string {
  return request.originalUrl.split('?', 1)[0] ?? '/';
}
