import type { AnnotateDocument, AnnotateOptions, Versions } from '../contract/annotate.js';
import type { LineError } from '../contract/batches.js';
import { ReferentError, type ErrorCode } from '../contract/errors.js';
import type { BatchEntry } from '../kb/batch-store.js';
import { linkerOptions, linksOf } from '../linking/answer.js';
import { checkedDocument } from '../linking/documents.js';
import type { Linker } from '../linking/linker.js';

export interface EntryWork {
  readonly linker: Linker;
  readonly signal: AbortSignal;
  /** Whether what nobody foresaw becomes the document's own error: after it was tried often enough. */
  readonly isLastAttempt: boolean;
}

/** A document's own faults: it would fail in the same way again. */
const OWN_FAULTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['invalid-input', 'too-large']);

/** A line of the results. */
export interface ResultLine {
  /** JSON, with its newline. */
  readonly text: string;
  /** null: it has an error instead of links. */
  readonly versions: Versions | null;
}

/**
 * The result of one document, with exactly the links that `/v1/annotate` answers.
 * @throws what may pass, and the signal's reason.
 */
export async function annotateEntry(
  entry: BatchEntry,
  options: AnnotateOptions,
  work: EntryWork,
): Promise<ResultLine> {
  const result = await resultOf(entry, options, work);
  const text = `${JSON.stringify(lineOf(entry, result))}\n`;
  return { text, versions: 'error' in result ? null : result.versions };
}

type Result =
  { readonly links: unknown; readonly versions: Versions } | { readonly error: LineError };

function lineOf(entry: BatchEntry, result: Result): object {
  const { line } = entry;
  const id = 'document' in entry ? entry.document.id : entry.id;
  return 'error' in result ? { line, id, error: result.error } : { line, id, links: result.links };
}

async function resultOf(
  entry: BatchEntry,
  options: AnnotateOptions,
  work: EntryWork,
): Promise<Result> {
  if ('error' in entry) return entry;
  try {
    return await annotateDocument(entry.document, options, work);
  } catch (error) {
    const own = work.signal.aborted ? null : ownError(error, work.isLastAttempt);
    if (own === null) throw error;
    return { error: own };
  }
}

async function annotateDocument(
  document: AnnotateDocument,
  options: AnnotateOptions,
  { linker, signal }: EntryWork,
): Promise<Result> {
  const checked = checkedDocument(document, options.offsetUnit);
  const how = { ...linkerOptions(options), strict: true, lane: 'batch', signal } as const;
  const annotation = await linker.annotate(checked, how);
  const links = await linksOf(checked.text, annotation, options);
  return { links, versions: annotation.versions };
}

function ownError(error: unknown, isLastAttempt: boolean): LineError | null {
  if (error instanceof ReferentError && (OWN_FAULTS.has(error.code) || isLastAttempt)) {
    return { code: error.code, detail: error.message };
  }
  if (!isLastAttempt) return null;
  const detail =
    'Something failed in the service that should not, more than once. Its log has the reason.';
  return { code: 'internal', detail };
}
