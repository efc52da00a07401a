import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ReferentError } from '../contract/errors.js';

const BLOCK_BYTES = 4 * 1024 * 1024;
const READ_BYTES = 512 * 1024;

/** Size and block checksums of a file, as its manifest keeps them. */
export interface FileRecord {
  readonly bytes: number;
  readonly blockBytes: number;
  /** CRC-32 of each block, the last one maybe shorter. */
  readonly crc32: readonly number[];
}

/**
 * Writes a file from its start, recording its checksums on the way; `finish` makes it durable, `close` is
 * due in any case.
 *
 * CRC-32 and not SHA-256, because it guards against accidents (torn writes, bad disks, mixed-up files), not against
 * somebody who can write to the folder and so could write the manifest too. It misses a damaged block once in 2^32.
 * zlib's does 3.9 GB/s where OpenSSL's SHA-256 does 1.3 (0.4 without SHA instructions): the graph of 100,000 vectors
 * is checked in 20 ms, of 1,000,000 in 0.2 s.
 */
export class CheckedWriter {
  private readonly sums = new BlockSums();

  private constructor(
    private readonly file: FileHandle,
    private readonly path: string,
  ) {}

  static async create(path: string): Promise<CheckedWriter> {
    return new CheckedWriter(await open(path, 'wx'), path);
  }

  async write(values: ArrayBufferView): Promise<void> {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    await asDiskError(this.path, () => this.file.writeFile(bytes));
    this.sums.add(bytes);
  }

  async finish(): Promise<FileRecord> {
    await asDiskError(this.path, () => this.file.sync());
    return this.sums.record();
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

/** The record of a file that something else has written; makes it durable too. */
export async function recordFile(path: string): Promise<FileRecord> {
  const file = await open(path, 'r+');
  try {
    await asDiskError(path, () => file.sync());
    const { size } = await file.stat();
    const sums = new BlockSums();
    await readRange(file, 0, size, (bytes) => {
      sums.add(bytes);
    });
    return sums.record();
  } finally {
    await file.close();
  }
}

/**
 * Compares a file with its record: size always, then all blocks, or `sample` of them spread evenly, the first and the
 * last among them. Refuses with `index-invalid`.
 */
export async function checkFile(
  path: string,
  record: FileRecord,
  sample: number = Infinity,
): Promise<void> {
  const file = await openForCheck(path);
  try {
    const { size } = await file.stat();
    if (size !== record.bytes) throw damaged(path, `${size} bytes`, `${record.bytes} bytes`);
    for (const block of spread(record.crc32.length, sample)) {
      await checkBlock({ file, path, record, block });
    }
  } finally {
    await file.close();
  }
}

async function openForCheck(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY);
  } catch (cause) {
    throw damaged(path, 'no readable file', 'the file named in the manifest', cause);
  }
}

async function checkBlock(at: {
  file: FileHandle;
  path: string;
  record: FileRecord;
  block: number;
}): Promise<void> {
  const start = at.block * at.record.blockBytes;
  const end = Math.min(start + at.record.blockBytes, at.record.bytes);
  let found = 0;
  await readRange(at.file, start, end, (bytes) => {
    found = crc32(bytes, found);
  });
  const expected = at.record.crc32[at.block];
  if (found === expected) return;
  throw damaged(at.path, `checksum ${found} of block ${at.block}`, String(expected));
}

/** `count` of the numbers 0 … length - 1, evenly spread with both ends; all when there are no more. */
function spread(length: number, count: number): readonly number[] {
  if (count >= length) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - 1)) / (count - 1)));
}

async function readRange(
  file: FileHandle,
  start: number,
  end: number,
  visit: (bytes: Uint8Array) => void,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let position = start;
  while (position < end) {
    const length = Math.min(buffer.length, end - position);
    const { bytesRead } = await file.read(buffer, 0, length, position);
    if (bytesRead === 0) return;
    visit(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

class BlockSums {
  private readonly done: number[] = [];
  private current = 0;
  private filled = 0;
  private bytes = 0;

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + BLOCK_BYTES - this.filled);
      this.current = crc32(part, this.current);
      this.filled += part.length;
      at += part.length;
      if (this.filled === BLOCK_BYTES) this.endBlock();
    }
    this.bytes += bytes.length;
  }

  record(): FileRecord {
    if (this.filled > 0) this.endBlock();
    return { bytes: this.bytes, blockBytes: BLOCK_BYTES, crc32: this.done };
  }

  private endBlock(): void {
    this.done.push(this.current);
    this.current = 0;
    this.filled = 0;
  }
}

/** The error of an index file that is not as its manifest says. */
export function damaged(
  path: string,
  found: string,
  expected: string,
  cause?: unknown,
): ReferentError {
  return new ReferentError(
    'index-invalid',
    `Index file ${path} is damaged: found ${found}, expected ${expected}. ` +
      'Delete its folder; the index is rebuilt from the stored vectors.',
    { cause },
  );
}

/** Gives a full disk its own code; everything else goes on as it is. */
export async function asDiskError<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (!isDiskFull(cause)) throw cause;
    throw new ReferentError(
      'disk-full',
      `No space left while writing ${path}. Free some space and run it again.`,
      { cause },
    );
  }
}

function isDiskFull(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
