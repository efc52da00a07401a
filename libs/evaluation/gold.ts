import {
  labelledDocument,
  type LabelledDocument,
  type LabelledMention,
} from '../contract/labelled.js';
import { ReferentError } from '../contract/errors.js';
import { labelFault } from '../linking/labels.js';
import { linesOfFile, type Line } from './lines.js';

export type GoldMention = LabelledMention;
export type GoldDocument = LabelledDocument;

/** Documents of a gold file (JSON Lines, also gzipped), one at a time; `invalid-input` with the line's number. */
export async function* readGold(path: string): AsyncGenerator<GoldDocument> {
  for await (const line of linesOfFile(path)) yield parseGold(path, line);
}

function parseGold(path: string, line: Line): GoldDocument {
  const parsed = labelledDocument.safeParse(parseJson(path, line));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw badLine(path, line, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
  }
  for (const mention of parsed.data.mentions) {
    const fault = labelFault(parsed.data.text, mention);
    if (fault !== null) throw badLine(path, line, fault);
  }
  return parsed.data;
}

function parseJson(path: string, line: Line): unknown {
  try {
    return JSON.parse(line.text);
  } catch (cause) {
    throw badLine(path, line, cause instanceof Error ? cause.message : 'not JSON');
  }
}

const badLine = (path: string, line: Line, reason: string): ReferentError =>
  new ReferentError('invalid-input', `${path}, line ${line.number}: ${reason}.`);
