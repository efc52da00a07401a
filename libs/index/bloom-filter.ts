import type { Hash64 } from './hash-table.js';

const { floor, imul } = Math;

const BITS_PER_ENTRY = 10;
const PROBES = 6;

/** Answers "surely not" or "maybe" for 64-bit hashes: 1.25 bytes an entry, wrong "maybe" for 0.9 % of absent ones. */
export class BloomFilter {
  constructor(private readonly words: Int32Array) {}

  static sizedFor(entries: number): BloomFilter {
    return new BloomFilter(new Int32Array(Math.max(1, Math.ceil((entries * BITS_PER_ENTRY) / 32))));
  }

  get content(): Int32Array {
    return this.words;
  }

  add(hash: Hash64): void {
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = this.bitAt(hash, probe);
      this.words[bit >>> 5] = (this.words[bit >>> 5] ?? 0) | (1 << (bit & 31));
    }
  }

  maybeHas(hash: Hash64): boolean {
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = this.bitAt(hash, probe);
      if (((this.words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }

  /** Double hashing (Kirsch & Mitzenmacher 2006): all probes from two lanes. */
  private bitAt({ high, low }: Hash64, probe: number): number {
    const mixed = (high + imul(probe, low | 1)) >>> 0;
    return floor((mixed / 2 ** 32) * (this.words.length * 32));
  }
}
