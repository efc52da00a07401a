import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { linesOf, linesOfFile, type Line } from './lines.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-lines-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function collect(lines: AsyncIterable<Line>): Promise<Line[]> {
  const collected: Line[] = [];
  for await (const line of lines) collected.push(line);
  return collected;
}

// eslint-disable-next-line @typescript-eslint/require-await -- a source of chunks is async by its type
async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
}

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('lines of a stream', () => {
  it('numbers lines from 1, skips blank ones and drops carriage returns and a byte order mark', async () => {
    expect(await collect(linesOf(chunks('\uFEFFa\r\n\n', ' \nb')))).toEqual([
      { number: 1, text: 'a' },
      { number: 4, text: 'b' },
    ]);
  });

  it('keeps U+2028 inside a line, and characters that a chunk border cuts', async () => {
    const bytes = Buffer.from('x\u2028é🙂\ny\n');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const lines = await collect(linesOf(chunks(bytes.subarray(0, cut), bytes.subarray(cut))));
      expect(lines.map(({ text }) => text)).toEqual(['x\u2028é🙂', 'y']);
    }
  });
});

describe('lines of a file', () => {
  it('reads plain and gzipped files alike, whatever their names', async () => {
    const plain = await file('plain.gz', 'a\nb\n');
    const packed = await file('packed.jsonl', gzipSync('a\nb\n'));
    expect(await collect(linesOfFile(packed))).toEqual(await collect(linesOfFile(plain)));
  });

  it('says what is wrong with a file that cannot be read', async () => {
    const packed = gzipSync('abc\n'.repeat(1_000));
    const truncated = await file('cut.gz', packed.subarray(0, packed.length - 12));
    await expect(collect(linesOfFile(truncated))).rejects.toThrow(/ends too early/);
    await expect(collect(linesOfFile(join(folder, 'none')))).rejects.toThrow(/no such file/);
    await expect(collect(linesOfFile(folder))).rejects.toThrow(/is a folder/);
  });
});
