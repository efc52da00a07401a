import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import { CheckedWriter, damaged, type FileRecord } from './checked-file.js';
import { dotProduct } from './dot-product.js';
import { assertPage } from './shapes.js';

/** f32, little-endian, row-major [rows, D], without a header: row r stands at byte 4·D·r. */
export const VECTORS_FILE = 'vectors.f32';
/** f64, little-endian (a key is an integer up to 2^53): the key of each row, rising. */
export const KEYS_FILE = 'keys';

export const LENGTH_TOLERANCE = 0.01;

/** Writes vectors and keys page by page, in rising key order. */
export class VectorFileWriter {
  private lastKey = -Infinity;
  private written = 0;

  private constructor(
    private readonly dimensions: number,
    private readonly vectors: CheckedWriter,
    private readonly keys: CheckedWriter,
  ) {}

  static async create(folder: string, dimensions: number): Promise<VectorFileWriter> {
    const vectors = await CheckedWriter.create(join(folder, VECTORS_FILE));
    const keys = await CheckedWriter.create(join(folder, KEYS_FILE));
    return new VectorFileWriter(dimensions, vectors, keys);
  }

  get rows(): number {
    return this.written;
  }

  async write(keys: readonly number[], vectors: Float32Array): Promise<void> {
    assertPage(keys, vectors, this.dimensions);
    for (const [i, key] of keys.entries()) {
      this.assertNextKey(key);
      assertUnitLength(key, vectors.subarray(i * this.dimensions, (i + 1) * this.dimensions));
    }
    await this.vectors.write(vectors);
    await this.keys.write(Float64Array.from(keys));
    this.written += keys.length;
  }

  async finish(): Promise<{ vectors: FileRecord; keys: FileRecord }> {
    return { vectors: await this.vectors.finish(), keys: await this.keys.finish() };
  }

  async close(): Promise<void> {
    await this.vectors.close();
    await this.keys.close();
  }

  private assertNextKey(key: number): void {
    if (!Number.isSafeInteger(key) || key < 0 || key <= this.lastKey) {
      throw new ReferentError(
        'index-invalid',
        `Key ${key} follows key ${this.lastKey}; an index is built from whole numbers in rising order, each once.`,
      );
    }
    this.lastKey = key;
  }
}

/** A vector of zeros or NaN would be found by nobody and could spoil the graph around it. */
function assertUnitLength(key: number, vector: Float32Array): void {
  const length = Math.sqrt(dotProduct(vector, 0, vector, 0, vector.length));
  if (Math.abs(length - 1) <= LENGTH_TOLERANCE) return;
  throw new ReferentError(
    'index-invalid',
    `The vector of key ${key} has length ${length}; vectors are normalised to 1. Encode the entity again.`,
  );
}

/**
 * Exact vectors by row, read from the file when asked: 4·D bytes a row and 2 to 3 µs from the page cache, nothing
 * kept on the heap but the keys (8 bytes each) and one row buffer.
 */
export class VectorFile {
  private readonly row: Float32Array;
  private readonly rowBytes: Uint8Array;

  private constructor(
    private readonly path: string,
    private readonly file: number,
    private readonly keys: Float64Array,
    readonly dimensions: number,
  ) {
    this.row = new Float32Array(dimensions);
    this.rowBytes = new Uint8Array(this.row.buffer);
  }

  /** Opens files that were checked against their manifest. */
  static open(folder: string, dimensions: number): VectorFile {
    const keys = readNumbers(join(folder, KEYS_FILE));
    const path = join(folder, VECTORS_FILE);
    return new VectorFile(path, openSync(path, 'r'), keys, dimensions);
  }

  get size(): number {
    return this.keys.length;
  }

  keyAt(row: number): number {
    return this.keys[row] ?? NaN;
  }

  /** The row of a key, by bisection; -1 where there is none. */
  rowOf(key: number): number {
    let low = 0;
    let high = this.keys.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.keyAt(middle);
      if (found === key) return middle;
      if (found < key) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Cosine of query [D] at `offset` of `queries` with a row. */
  cosine(queries: Float32Array, offset: number, row: number): number {
    this.read(row, this.rowBytes);
    return Math.fround(dotProduct(queries, offset, this.row, 0, this.dimensions));
  }

  /** Rows `first … first + count - 1` as [count, D]. */
  rows(first: number, count: number): Float32Array {
    const values = new Float32Array(count * this.dimensions);
    this.read(first, new Uint8Array(values.buffer));
    return values;
  }

  close(): void {
    closeSync(this.file);
  }

  private read(row: number, into: Uint8Array): void {
    const position = row * this.rowBytes.length;
    const found = readSync(this.file, into, 0, into.length, position);
    if (found !== into.length) {
      throw damaged(this.path, `${found} bytes at ${position}`, `${into.length} bytes`);
    }
  }
}

function readNumbers(path: string): Float64Array {
  const bytes = readFileSync(path);
  // A copy of its own: the buffer of a small file is a slice of a pool, maybe not aligned to 8 bytes.
  return new Float64Array(Uint8Array.from(bytes).buffer);
}
