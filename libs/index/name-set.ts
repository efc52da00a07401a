import { ReferentError } from '../contract/errors.js';
import { BloomFilter } from './bloom-filter.js';
import { HashTable } from './hash-table.js';
import { NameHash } from './name-hash.js';

/** Longer names are in the set, but not looked for in texts. */
const MAX_WORDS = 10;
const SEED = 0x5eed1e55;
const MAGIC = 0x314d4e52; // "RNM1"
const HEADER_INTS = 6;

/**
 * Which normalised names a KB has, for finding them in texts: a table of 64-bit hashes (11.4 bytes a name) and a
 * Bloom filter of their beginnings, so that looking on from a word stops where no name goes on.
 *
 * Names are words joined by one space. `has` is wrong for an absent string once in 2^64 / size (a million names and a
 * billion strings asked: 1 in 18,000 that any answer is wrong), never for one that is there. Names are not taken out:
 * one that no entity carries any more costs a look-up that finds nothing, until the next snapshot.
 */
export class NameSet {
  private readonly hash: NameHash;
  /** Names and beginnings added since the base was made. */
  private readonly recentNames = new HashTable();
  private readonly recentBeginnings = new HashTable();

  private constructor(private readonly base: Base) {
    this.hash = new NameHash(base.seed);
  }

  static empty(): NameSet {
    return new NameSetBuilder().finish();
  }

  /** From the bytes of `toBytes`; `file` names them in the error (`index-invalid`). */
  static fromBytes(bytes: Uint8Array, file: string): NameSet {
    return new NameSet(decode(bytes, file));
  }

  static of(base: Base): NameSet {
    return new NameSet(base);
  }

  /** Names in the set; a name that was added twice counts once. */
  get size(): number {
    return this.base.names.size + this.recentNames.size;
  }

  /** Words of the longest name, at most 10. */
  get maxWords(): number {
    return this.base.maxWords;
  }

  has(name: string): boolean {
    return this.isName(this.hash.restart().add(name).finish());
  }

  add(names: readonly string[]): void {
    for (const name of names) {
      if (this.has(name)) continue;
      const words = eachBeginning(this.hash, name, (hash) => {
        if (!this.base.beginnings.maybeHas(hash)) this.recentBeginnings.add(hash);
      });
      this.recentNames.add(this.hash);
      this.base.maxWords = Math.max(this.base.maxWords, Math.min(words, MAX_WORDS));
    }
  }

  /**
   * For every name that the words `words[start], words[start + 1], …` begin with, how many words it has; rising.
   * Most positions of a text cost one table look-up and one of the filter.
   */
  lengthsAt(words: readonly string[], start: number): readonly number[] {
    const lengths: number[] = [];
    const hash = this.hash.restart();
    const most = Math.min(this.maxWords, words.length - start);
    for (let count = 1; count <= most; count++) {
      if (count > 1) hash.add(' ');
      hash.add(words[start + count - 1] ?? '').finish();
      if (this.isName(hash)) lengths.push(count);
      if (!this.isBeginning(hash)) break;
    }
    return lengths;
  }

  /** The base as saved; names added since are not in it. */
  toBytes(): Uint8Array {
    return encode(this.base);
  }

  private isName(hash: NameHash): boolean {
    return this.base.names.has(hash) || (this.recentNames.size > 0 && this.recentNames.has(hash));
  }

  private isBeginning(hash: NameHash): boolean {
    return (
      this.base.beginnings.maybeHas(hash) ||
      (this.recentBeginnings.size > 0 && this.recentBeginnings.has(hash))
    );
  }
}

interface Base {
  readonly seed: number;
  readonly names: HashTable;
  readonly beginnings: BloomFilter;
  maxWords: number;
}

/** Collects names page by page: some 40 bytes a name while building. */
export class NameSetBuilder {
  private readonly hash = new NameHash(SEED);
  private readonly names = new HashTable();
  private readonly beginnings = new HashTable();
  private maxWords = 0;

  get size(): number {
    return this.names.size;
  }

  add(names: readonly string[]): void {
    for (const name of names) {
      const words = eachBeginning(this.hash, name, (hash) => {
        this.beginnings.add(hash);
      });
      this.names.add(this.hash);
      this.maxWords = Math.max(this.maxWords, Math.min(words, MAX_WORDS));
    }
  }

  finish(): NameSet {
    const beginnings = BloomFilter.sizedFor(this.beginnings.size);
    this.beginnings.forEach((hash) => {
      beginnings.add(hash);
    });
    return NameSet.of({
      seed: SEED,
      names: this.names.fitted(),
      beginnings,
      maxWords: this.maxWords,
    });
  }
}

/**
 * Visits the hash of every beginning of the name that ends before a space (of none where the name is too long to be
 * looked for), leaves `hash` at the whole name and gives its number of words.
 */
function eachBeginning(hash: NameHash, name: string, visit: (hash: NameHash) => void): number {
  const words = name.split(' ');
  hash.restart();
  for (const [i, word] of words.entries()) {
    hash.add(i === 0 ? word : ` ${word}`).finish();
    if (i + 1 < words.length && words.length <= MAX_WORDS) visit(hash);
  }
  return words.length;
}

/** Little-endian 32-bit integers: magic, seed, names, table integers, filter integers, maxWords; table; filter. */
function encode({ seed, names, beginnings, maxWords }: Base): Uint8Array {
  const table = names.content;
  const filter = beginnings.content;
  const all = new Int32Array(HEADER_INTS + table.length + filter.length);
  all.set([MAGIC, seed, names.size, table.length, filter.length, maxWords]);
  all.set(table, HEADER_INTS);
  all.set(filter, HEADER_INTS + table.length);
  return new Uint8Array(all.buffer);
}

function decode(bytes: Uint8Array, file: string): Base {
  const all = new Int32Array(Uint8Array.from(bytes.subarray(0, bytes.length & ~3)).buffer);
  const [magic, seed = 0, size = 0, table = 0, filter = 0, maxWords = 0] = all;
  if (magic !== MAGIC || all.length !== HEADER_INTS + table + filter || 2 * size >= table) {
    throw new ReferentError(
      'index-invalid',
      `${file} is not a table of names: ${bytes.length} bytes, magic ${magic ?? 'missing'}. ` +
        'Delete its folder; the index is rebuilt from the store.',
    );
  }
  return {
    seed,
    names: new HashTable(all.subarray(HEADER_INTS, HEADER_INTS + table), size),
    beginnings: new BloomFilter(all.subarray(HEADER_INTS + table)),
    maxWords,
  };
}
