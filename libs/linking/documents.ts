import { pointer } from '../contract/faults.js';
import { RequestError, type Fault } from '../contract/problem.js';
import type { AnnotateRequest } from '../contract/requests.js';
import { readSpans, type OffsetUnit } from './answer.js';
import { spanFault } from './given.js';
import type { LinkerDocument } from './linker.js';
import { CodePointOffsets } from '../text/offsets.js';
import type { Span } from '../text/span.js';

export interface RequestedDocument extends LinkerDocument {
  readonly id: string;
}

/** A text as it came: `mentions` in the caller's unit. */
interface GivenDocument {
  readonly text: string;
  readonly mentions?: readonly Span[] | undefined;
}

type Path = readonly (string | number)[];

/**
 * The documents of a request with mentions in UTF-16 units; a request with `text` is one document.
 * @throws RequestError `invalid-input` that names every mention which is reversed, out of range or cuts a
 * character in two: the request is refused as a whole, before any work on it.
 */
export function documentsOf(request: AnnotateRequest, unit: OffsetUnit): RequestedDocument[] {
  const { text, mentions, documents } = request;
  if (documents === undefined)
    return [{ id: '', ...checkedDocument({ text: text ?? '', mentions }, unit) }];
  const faults = documents.flatMap((one, at) => mentionFaults(one, unit, ['documents', at]));
  if (faults.length > 0) throw new RequestError('invalid-input', faults);
  return documents.map((one) => ({ id: one.id, ...toUtf16(one, unit) }));
}

/** One text with its mentions in UTF-16 units; throws as `documentsOf` does. */
export function checkedDocument(document: GivenDocument, unit: OffsetUnit): LinkerDocument {
  const faults = mentionFaults(document, unit, []);
  if (faults.length > 0) throw new RequestError('invalid-input', faults);
  return toUtf16(document, unit);
}

function toUtf16({ text, mentions }: GivenDocument, unit: OffsetUnit): LinkerDocument {
  return { text, mentions: mentions === undefined ? undefined : readSpans(text, mentions, unit) };
}

function mentionFaults({ text, mentions }: GivenDocument, unit: OffsetUnit, path: Path): Fault[] {
  if (mentions === undefined) return [];
  const spans = readSpans(text, mentions, unit);
  const size = sizeOf(text, unit);
  return mentions.flatMap(({ start, end }, at) => {
    const fault = spanFault(text, spans[at] ?? { start, end }, size);
    if (fault === null) return [];
    const detail = `[${start}, ${end}) ${fault}. Offsets are half-open and count \`offsetUnit\` (here ${unit}).`;
    return [{ pointer: pointer([...path, 'mentions', at]), detail }];
  });
}

function sizeOf(text: string, unit: OffsetUnit): string {
  if (unit === 'utf16') return `${text.length} UTF-16 units`;
  return `${new CodePointOffsets(text).toCodePoint(text.length)} code points`;
}
