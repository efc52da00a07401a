import { z } from 'zod';
import { ReferentError } from '../contract/errors.js';
import { linesOfFile, type Line } from './lines.js';

const goldMention = z.object({
  start: z.int().min(0),
  end: z.int().min(1),
  text: z.string().optional(),
  entityId: z.string().nullable(),
});

const goldDocument = z.object({
  id: z.string(),
  text: z.string(),
  mentions: z.array(goldMention),
});

/** A labelled mention: `[start, end)` in UTF-16 units; `entityId` null says that no entity of the KB fits (NIL). */
export type GoldMention = z.output<typeof goldMention>;
export type GoldDocument = z.output<typeof goldDocument>;

/** Documents of a gold file (JSON Lines, also gzipped), one at a time; `invalid-input` with the line's number. */
export async function* readGold(path: string): AsyncGenerator<GoldDocument> {
  for await (const line of linesOfFile(path)) yield parseGold(path, line);
}

function parseGold(path: string, line: Line): GoldDocument {
  const parsed = goldDocument.safeParse(parseJson(path, line));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw badLine(path, line, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
  }
  for (const mention of parsed.data.mentions) checkSpan(path, line, parsed.data.text, mention);
  return parsed.data;
}

function parseJson(path: string, line: Line): unknown {
  try {
    return JSON.parse(line.text);
  } catch (cause) {
    throw badLine(path, line, cause instanceof Error ? cause.message : 'not JSON');
  }
}

/** Offsets in code points or bytes would give figures that are quietly wrong, so the surface is compared. */
function checkSpan(path: string, line: Line, text: string, mention: GoldMention): void {
  const { start, end } = mention;
  if (start >= end || end > text.length) {
    throw badLine(
      path,
      line,
      `mention ${start}-${end} is outside the text of ${text.length} UTF-16 units`,
    );
  }
  const surface = text.slice(start, end);
  if (mention.text !== undefined && mention.text !== surface) {
    throw badLine(
      path,
      line,
      `mention ${start}-${end} reads "${surface}", not "${mention.text}": offsets must be UTF-16 units`,
    );
  }
}

const badLine = (path: string, line: Line, reason: string): ReferentError =>
  new ReferentError('invalid-input', `${path}, line ${line.number}: ${reason}.`);
