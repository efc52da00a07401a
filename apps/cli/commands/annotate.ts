import { existsSync } from 'node:fs';
import {
  annotateOptions,
  document as annotateDocument,
  type AnnotateOptions as ApiOptions,
  type AnnotateDocument,
  type GivenMention,
} from '../../../libs/contract/annotate.js';
import { ReferentError } from '../../../libs/contract/errors.js';
import { linesOf, linesOfFile, type Line } from '../../../libs/evaluation/lines.js';
import { linkerOptions, linksOf } from '../../../libs/linking/answer.js';
import type { Linker, LinkerDocument } from '../../../libs/linking/linker.js';
import { annotateText } from '../answer.js';
import { usageError } from '../exit.js';
import { textOfFile, textOfStdin } from '../input.js';
import { layOut } from '../layout.js';
import { hasColours, writeNote, writeResult } from '../output.js';
import { withSession } from '../session.js';
import { annotateBatch, type BatchRun } from './annotate-batch.js';
import { settingsWithWarnings, type GlobalOptions } from '../settings.js';

export interface AnnotateOptions extends GlobalOptions {
  readonly file?: string;
  readonly kb?: string;
  readonly rerank: ApiOptions['rerank'];
  readonly mentions?: GivenMention[];
  readonly candidates?: number;
  readonly minConfidence?: number;
  readonly minPrecision?: number;
  readonly priors: boolean;
  readonly nil?: boolean;
  readonly json?: boolean;
  readonly jsonl?: boolean;
  readonly batch?: string;
  readonly out?: string;
}

/** `referent annotate` */
export async function annotate(
  argument: string | undefined,
  options: AnnotateOptions,
): Promise<void> {
  const settings = settingsWithWarnings(options);
  if (options.batch !== undefined) {
    await annotateBatch(settings, batchRun(options.batch, argument, options));
    return;
  }
  if (options.out !== undefined) throw usageError('--out goes with --batch.');
  const source = sourceOf(argument, options);
  if (options.jsonl === true) {
    if (options.mentions !== undefined) {
      throw usageError('With --jsonl each line brings its own "mentions"; leave --mentions out.');
    }
    const lines = linesOfSource(source);
    await withSession(settings, options.kb, ({ linker }) => annotateLines(lines, linker, options));
    return;
  }
  const text = await textOfSource(source);
  const document = { text, mentions: options.mentions };
  await withSession(settings, options.kb, async ({ linker }) => {
    await writeResult(await answerFor(linker, document, options));
  });
}

function batchRun(input: string, argument: string | undefined, options: AnnotateOptions): BatchRun {
  const { file, mentions, json, jsonl, kb, out } = options;
  const others = [argument, file, mentions, json, jsonl];
  if (others.some((one) => one !== undefined)) {
    throw usageError(
      '--batch reads documents from its own file: give no text, --file, --mentions, --json or --jsonl with it.',
    );
  }
  return { input, out, kb, options: apiOptions(options) };
}

type Source = { readonly text: string } | { readonly file: string } | 'stdin';

/** Where the text comes from; a text that is the name of a file means the file. */
function sourceOf(argument: string | undefined, { file, jsonl }: AnnotateOptions): Source {
  if (file !== undefined && argument !== undefined) {
    throw usageError('Give either a text or --file, not both.');
  }
  if (file === '-' || argument === '-') return 'stdin';
  if (file !== undefined) return { file };
  if (argument !== undefined) {
    if (jsonl !== true && !isFile(argument)) return { text: argument };
    if (jsonl !== true) writeNote(`Reading the file ${argument}.`);
    return { file: argument };
  }
  if (process.stdin.isTTY) {
    throw usageError('No text. Give one, name a file with --file, or pipe one in; see --help.');
  }
  return 'stdin';
}

/** Long texts are no names, and the system would complain about their length. */
const isFile = (argument: string): boolean => argument.length < 1_000 && existsSync(argument);

function textOfSource(source: Source): Promise<string> | string {
  if (source === 'stdin') return textOfStdin();
  return 'text' in source ? source.text : textOfFile(source.file);
}

function linesOfSource(source: Source): AsyncIterable<Line> {
  if (source === 'stdin') return linesOf(process.stdin);
  if ('text' in source) throw usageError('--jsonl reads a file or stdin.');
  return linesOfFile(source.file);
}

async function answerFor(
  linker: Linker,
  document: LinkerDocument,
  options: AnnotateOptions,
): Promise<string> {
  const answer = await annotateText(linker, document, apiOptions(options));
  if (options.json === true) return `${JSON.stringify(answer)}\n`;
  return layOut(document.text, answer.links, {
    colours: hasColours(process.stdout),
    candidates: options.candidates ?? 0,
  });
}

function apiOptions(options: AnnotateOptions): ApiOptions {
  const { minConfidence, minPrecision } = options;
  if (minConfidence !== undefined && minPrecision !== undefined) {
    throw usageError('Give either --min-confidence or --min-precision, not both.');
  }
  return annotateOptions.parse({
    rerank: options.rerank,
    candidates: options.candidates ?? false,
    minConfidence,
    minPrecision,
    includeNil: options.nil,
    priors: options.priors,
  });
}

async function annotateLines(
  lines: AsyncIterable<Line>,
  linker: Linker,
  options: AnnotateOptions,
): Promise<void> {
  const asked = apiOptions(options);
  for await (const line of lines) {
    const document = parseDocument(line);
    const annotation = await linker.annotate(document, linkerOptions(asked));
    const links = await linksOf(document.text, annotation, asked);
    await writeResult(`${JSON.stringify({ id: document.id, links })}\n`);
  }
}

function parseDocument({ number, text }: Line): AnnotateDocument {
  const bad = (reason: string): ReferentError =>
    new ReferentError(
      'invalid-input',
      `Line ${number}: ${reason}. Expected {"id", "text", "mentions"?}.`,
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad(cause instanceof Error ? cause.message : 'not JSON');
  }
  const parsed = annotateDocument.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw bad(`${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim());
}
