import { operationOf, otherPath } from '../../../libs/contract/operations.js';
import { pathOf, type ApiRequest } from './exchange.js';

/** The route of a request for figures: one of those there are, so that paths somebody makes up make no new ones. */
export function routeLabel(request: ApiRequest): string {
  const { method = 'GET' } = request;
  const path = pathOf(request);
  const known = operationOf(method, path)?.path ?? otherPath(path);
  if (known !== undefined) return known;
  return path === BOARD_PATH || path.startsWith(`${BOARD_PATH}/`) ? BOARD_PATH : 'unknown';
}

/** Where the board of the queues is. */
export const BOARD_PATH = '/admin/queues';
