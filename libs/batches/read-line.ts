import { document } from '../contract/annotate.js';
import type { AnnotateOptions } from '../contract/annotate.js';
import { parseRequest } from '../contract/faults.js';
import { RequestError } from '../contract/problem.js';
import { refuseTooLarge, type SizeLimits } from '../contract/sizes.js';
import type { JsonLine } from '../jobs/json-lines.js';
import type { BatchEntry } from '../kb/batch-store.js';
import { checkedDocument } from '../linking/documents.js';

export interface LineLimits {
  readonly limits: SizeLimits;
  readonly offsetUnit: AnnotateOptions['offsetUnit'];
}

/** A line as a document; one that is none, or that no linker would take, gets its error here and now. */
export function readLine({ line, value, reason }: JsonLine, options: LineLimits): BatchEntry {
  const failed = (code: string, detail: string): BatchEntry => {
    return { line, id: idOf(value), error: { code, detail } };
  };
  if (reason !== undefined) return failed('malformed-json', `The line is ${reason}.`);
  try {
    refuseTooLarge(value, options.limits);
    const parsed = parseRequest(document, value, 'body');
    checkedDocument(parsed, options.offsetUnit);
    return { line, document: parsed };
  } catch (error) {
    if (error instanceof RequestError) return failed(error.code, error.message);
    throw error;
  }
}

const MAX_ID = 512;

function idOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('id' in value)) return null;
  return typeof value.id === 'string' && value.id.length <= MAX_ID ? value.id : null;
}
