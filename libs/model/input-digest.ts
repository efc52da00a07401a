import { createHash } from 'node:crypto';
import type { Pieces } from '../text/pieces.js';

/** SHA-256 of JSON and, where they belong to it, the pieces of a text; other content has another one. */
export function inputDigest(content: unknown, pieces?: Pieces): string {
  const hash = createHash('sha256').update(JSON.stringify(content));
  // JSON ends where its brackets close and the columns are equally long, so that nothing reads in two ways.
  for (const column of pieces ? [pieces.ids, pieces.starts, pieces.ends] : []) hash.update(column);
  return hash.digest('base64');
}
