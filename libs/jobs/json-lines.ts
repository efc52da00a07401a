import { isUtf8 } from 'node:buffer';
import { ReferentError } from '../contract/errors.js';
import { linesOf, type Line } from './import-lines.js';
import { NOT_UTF8 } from './import-record.js';

/** One line's value, or what is wrong with it. */
export interface JsonLine {
  readonly line: number;
  /** In bytes. */
  readonly size: number;
  readonly value?: unknown;
  readonly reason?: string | undefined;
}

interface JsonLinesOptions {
  /** Of the source, for messages. */
  readonly name: string;
  readonly maxBytes: number;
  readonly tooLong: string;
}

/** The same content, and an error where it is longer. */
export async function* atMost(
  content: AsyncIterable<Buffer>,
  maxBytes: number,
  tooLarge: () => Error,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge();
    yield chunk;
  }
}

/** The values of JSON Lines, as many at a time as a chunk completes; blank lines are left out. */
export async function* jsonLines(
  content: AsyncIterable<Buffer>,
  options: JsonLinesOptions,
): AsyncGenerator<Iterable<JsonLine>> {
  for await (const lines of linesOf(content, options.maxBytes)) yield rowsOf(lines, options);
}

/** Lazily, so that a page is handed on before the rest of its chunk is parsed. */
function* rowsOf(lines: readonly Line[], { name, tooLong }: JsonLinesOptions): Generator<JsonLine> {
  for (const { number, bytes } of lines) {
    if (bytes === null) yield { line: number, size: 0, reason: tooLong };
    else if (!isUtf8(bytes)) yield { line: number, size: bytes.length, reason: NOT_UTF8 };
    else yield* jsonRow(number, bytes, name);
  }
}

function* jsonRow(line: number, bytes: Buffer, name: string): Generator<JsonLine> {
  const text = bytes.toString('utf8');
  if (text.trim() === '') return;
  if (line === 1) assertNotArray(text, name);
  yield { line, size: bytes.length, ...parseJson(text) };
}

function parseJson(text: string): { value: unknown } | { reason: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { reason: `not JSON: ${reason.slice(0, 200)}` };
  }
}

function assertNotArray(text: string, name: string): void {
  if (!text.trimStart().startsWith('[')) return;
  throw new ReferentError(
    'invalid-input',
    `${name} holds a JSON array; give one object a line (for instance: jq -c '.[]' FILE)`,
  );
}
