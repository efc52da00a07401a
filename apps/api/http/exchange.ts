import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyRole } from '../../../libs/contract/roles.js';

/** Who calls, once that is known. */
export interface Caller {
  /** Of the key; null where there are no keys and all are let in. */
  readonly key: { readonly id: string; readonly name: string } | null;
  readonly role: KeyRole;
  /** Whether a browser would send what lets this caller in by itself, for any page that asks it to. */
  readonly isAmbient: boolean;
}

/** What the middleware of this folder knows of a request and adds to it; Express adds `body`, `originalUrl` and `route`. */
export interface ApiRequest extends IncomingMessage {
  originalUrl: string;
  body?: unknown;
  /** What the router matched. */
  route?: { readonly path: string };
  requestId: string;
  /** Aborted when the client goes away before the answer is sent. */
  gone: AbortSignal;
  /** null: without a key where one is needed. */
  caller: Caller | null;
  /** Milliseconds by step, for the log. */
  steps?: Readonly<Record<string, number>>;
}

export type ApiResponse = ServerResponse<ApiRequest>;
export type Next = (error?: unknown) => void;

/** A request line may hold a whole address (RFC 9112, 3.2.2): the router reads its path, and so do we. */
const ADDRESS = /^https?:\/\/([^/?#]*)/i;

/** The path without the query, which may hold what a user searched for. */
export function pathOf(request: Pick<ApiRequest, 'originalUrl'>): string {
  const path = request.originalUrl.replace(ADDRESS, '').split('?', 1)[0] ?? '';
  return path === '' ? '/' : path;
}

/** The host of a request line that holds a whole address. */
export function targetHost(request: Pick<ApiRequest, 'originalUrl'>): string | undefined {
  return ADDRESS.exec(request.originalUrl)?.[1];
}
