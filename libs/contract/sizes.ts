import { pointer } from './faults.js';
import { RequestError, type Fault } from './problem.js';

/** What one request may hold. */
export interface SizeLimits {
  readonly maxTextChars: number;
  readonly maxDocuments: number;
  readonly maxMentions: number;
  /** In all documents together; default: ten times those of one. */
  readonly maxMentionsInAll?: number;
}

/** Documents may have few or many mentions; all of a request have so many times those of one document. */
const DOCUMENTS_FULL_OF_MENTIONS = 10;

/**
 * Refuses what is too large before its parts are looked at: a schema that walks 100,000 mentions to find
 * them too many has done the work the limit is there to save. Takes any body, also of a wrong shape.
 * @throws RequestError `too-large`
 */
export function refuseTooLarge(body: unknown, limits: SizeLimits): void {
  const documents = field(body, 'documents');
  const remedy = 'send them in several requests, or raise REFERENT_MAX_DOCUMENTS';
  refuse(listFault(documents, ['documents'], { most: limits.maxDocuments, remedy }));
  const list: readonly unknown[] = Array.isArray(documents) ? documents : [];
  refuse([
    ...documentFaults(body, [], limits),
    ...list.flatMap((one, at) => documentFaults(one, ['documents', at], limits)),
  ]);
  const { maxMentions, maxMentionsInAll = maxMentions * DOCUMENTS_FULL_OF_MENTIONS } = limits;
  refuse(totalFault(list, maxMentionsInAll));
}

function refuse(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new RequestError('too-large', faults);
}

function totalFault(documents: readonly unknown[], most: number): Fault[] {
  const total = documents
    .map((document) => field(document, 'mentions'))
    .reduce<number>((sum, mentions) => sum + (Array.isArray(mentions) ? mentions.length : 0), 0);
  if (total <= most) return [];
  const detail = `have ${total} mentions together; the most is ${most} (${DOCUMENTS_FULL_OF_MENTIONS} × REFERENT_MAX_MENTIONS): send them in several requests.`;
  return [{ pointer: '/documents', detail }];
}

type Path = readonly (string | number)[];

function documentFaults(document: unknown, path: Path, limits: SizeLimits): Fault[] {
  return [
    ...textFault(field(document, 'text'), [...path, 'text'], limits.maxTextChars),
    ...listFault(field(document, 'mentions'), [...path, 'mentions'], {
      most: limits.maxMentions,
      remedy: 'split the document, or raise REFERENT_MAX_MENTIONS',
    }),
  ];
}

function textFault(text: unknown, path: Path, most: number): Fault[] {
  if (typeof text !== 'string' || text.length <= most) return [];
  const detail = `has ${text.length} characters; the most is ${most}: split the text, or raise REFERENT_MAX_TEXT_CHARS.`;
  return [{ pointer: pointer(path), detail }];
}

function listFault(list: unknown, path: Path, limit: { most: number; remedy: string }): Fault[] {
  if (!Array.isArray(list) || list.length <= limit.most) return [];
  const detail = `has ${list.length} elements; the most is ${limit.most}: ${limit.remedy}.`;
  return [{ pointer: pointer(path), detail }];
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
