const { floor } = Math;

/** A 64-bit hash as two signed 32-bit lanes, not both 0. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/** Fullest a table gets: a miss then looks at 6 slots on average, a hit at 2. */
const FULLEST = 0.7;

/** A set of 64-bit hashes: open addressing, linear probing, 8 bytes a slot; 11.4 bytes an entry when `fitted`. */
export class HashTable {
  /** `slots` [2 · capacity]: high and low lane of each slot, 0 and 0 where it is free. */
  constructor(
    private slots: Int32Array = new Int32Array(2 * 16),
    private count = 0,
  ) {}

  get size(): number {
    return this.count;
  }

  /** What to save; give it back to the constructor with `size`. */
  get content(): Int32Array {
    return this.slots;
  }

  has({ high, low }: Hash64): boolean {
    return this.isTaken(this.find(high, low));
  }

  /** True where the hash was not there before. */
  add(hash: Hash64): boolean {
    if (this.has(hash)) return false;
    if (this.count + 1 > FULLEST * this.capacity) this.resize(2 * this.capacity);
    this.place(hash.high, hash.low);
    this.count += 1;
    return true;
  }

  /** The same set in the smallest table that is not too full. */
  fitted(): HashTable {
    const table = new HashTable(this.slots, this.count);
    table.resize(Math.max(16, Math.ceil(this.count / FULLEST)));
    return table;
  }

  forEach(visit: (hash: Hash64) => void): void {
    for (let slot = 0; slot < this.capacity; slot++) {
      if (this.isTaken(slot)) visit(this.at(slot));
    }
  }

  private get capacity(): number {
    return this.slots.length / 2;
  }

  private at(slot: number): Hash64 {
    return { high: this.slots[2 * slot] ?? 0, low: this.slots[2 * slot + 1] ?? 0 };
  }

  private isTaken(slot: number): boolean {
    return this.slots[2 * slot] !== 0 || this.slots[2 * slot + 1] !== 0;
  }

  /** The slot of the hash, or the free one where it would go. */
  private find(high: number, low: number): number {
    const { slots, capacity } = this;
    let slot = floor(((high >>> 0) / 2 ** 32) * capacity);
    for (;;) {
      const foundHigh = slots[2 * slot];
      const foundLow = slots[2 * slot + 1];
      if ((foundHigh === high && foundLow === low) || (foundHigh === 0 && foundLow === 0))
        return slot;
      slot = slot + 1 === capacity ? 0 : slot + 1;
    }
  }

  private place(high: number, low: number): void {
    const slot = this.find(high, low);
    this.slots[2 * slot] = high;
    this.slots[2 * slot + 1] = low;
  }

  private resize(capacity: number): void {
    const old = new HashTable(this.slots);
    this.slots = new Int32Array(2 * capacity);
    old.forEach(({ high, low }) => {
      this.place(high, low);
    });
  }
}
