import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { ReferentError } from '../../libs/contract/errors.js';

export const textOfStdin = async (): Promise<string> => withoutMark(await text(process.stdin));

export async function textOfFile(path: string): Promise<string> {
  try {
    return withoutMark(await readFile(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ReferentError('invalid-input', `Cannot read ${path}: ${reason}.`, { cause });
  }
}

/** A byte order mark is not part of the text, and would move every offset. */
const withoutMark = (content: string): string => content.replace(/^\uFEFF/u, '');
