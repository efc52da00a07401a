import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { ReferentError } from '../contract/errors.js';

/** The last result of a file: of which line of the input, and of which document. */
export interface LastResult {
  readonly line: number;
  readonly id: string | null;
}

const lastResult = z.object({ line: z.int().min(1), id: z.string().nullable() });
/** How `result-lines.ts` begins every result. */
const RESULT_BEGINS = '{"line":';
const NEWLINE = 0x0a;
const CHUNK_BYTES = 64 * 1024;
const WRITE_BYTES = 64 * 1024;

/**
 * A file that results are added to, and that a later run goes on with: a killed writer leaves whole lines and at most
 * one torn, which is cut off.
 */
export class ResultsFile {
  private waiting: string[] = [];
  private waitingBytes = 0;

  private constructor(
    private readonly file: FileHandle,
    /** null: there was none yet. */
    readonly last: LastResult | null,
  ) {}

  /** @throws ReferentError `invalid-input` where it cannot be written, or holds something else than results. */
  static async open(path: string): Promise<ResultsFile> {
    const file = await opened(path);
    try {
      return new ResultsFile(file, await lastOf(file, path));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async add(text: string): Promise<void> {
    this.waiting.push(text);
    this.waitingBytes += text.length;
    if (this.waitingBytes >= WRITE_BYTES) await this.write();
  }

  /** Hands over what was gathered. */
  async write(): Promise<void> {
    const text = this.waiting.join('');
    this.waiting = [];
    this.waitingBytes = 0;
    if (text !== '') await this.file.appendFile(text);
  }

  async close(): Promise<void> {
    try {
      await this.write();
      await this.file.datasync();
    } finally {
      await this.file.close();
    }
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'a+');
  } catch (cause) {
    throw new ReferentError('invalid-input', `Cannot write ${path}: ${String(cause)}.`, { cause });
  }
}

/** Looks before it cuts: a file that holds something else stays as it is, to the byte. */
async function lastOf(file: FileHandle, path: string): Promise<LastResult | null> {
  const { size } = await file.stat();
  const end = (await newlineBefore(file, size)) + 1;
  const last =
    end === 0 ? null : parsed(await textOf(file, await lineBefore(file, end), end), path);
  if (end === size) return last;
  assertTorn(await textOf(file, end, Math.min(size, end + RESULT_BEGINS.length)), path);
  await file.truncate(end);
  return last;
}

async function lineBefore(file: FileHandle, end: number): Promise<number> {
  return (await newlineBefore(file, end - 1)) + 1;
}

async function textOf(file: FileHandle, start: number, end: number): Promise<string> {
  const bytes = Buffer.alloc(end - start);
  await file.read(bytes, 0, bytes.length, start);
  return bytes.toString('utf8');
}

/** A torn line is the beginning of a result, however short. */
function assertTorn(beginning: string, path: string): void {
  if (!RESULT_BEGINS.startsWith(beginning)) throw noResults(path);
}

/** Where the last newline before `end` is; -1 where there is none. */
async function newlineBefore(file: FileHandle, end: number): Promise<number> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let to = end; to > 0; to -= CHUNK_BYTES) {
    const from = Math.max(0, to - CHUNK_BYTES);
    await file.read(chunk, 0, to - from, from);
    const at = chunk.subarray(0, to - from).lastIndexOf(NEWLINE);
    if (at >= 0) return from + at;
  }
  return -1;
}

function parsed(line: string, path: string): LastResult {
  try {
    return lastResult.parse(JSON.parse(line));
  } catch (cause) {
    throw noResults(path, cause);
  }
}

function noResults(path: string, cause?: unknown): ReferentError {
  return new ReferentError(
    'invalid-input',
    `${path} does not end with a result of a batch: name another file, or remove it.`,
    { cause },
  );
}
