const { imul } = Math;

/**
 * A 64-bit hash of a string, fed piece by piece: two lanes of the MurmurHash3 (32-bit) round with constants of their
 * own, one round for each UTF-16 unit. Plain integer arithmetic, about 3 ns a character; hashing "new york" after
 * "new" costs the five characters more. Feeding "a" then "b" equals feeding "ab".
 */
export class NameHash {
  /** The finished lanes, as signed 32-bit integers; not both 0, which marks an empty slot in the tables. */
  high = 0;
  low = 0;
  private a = 0;
  private b = 0;
  private units = 0;

  constructor(private readonly seed: number) {
    this.restart();
  }

  restart(): this {
    this.a = this.seed | 0;
    this.b = ~this.seed;
    this.units = 0;
    return this;
  }

  add(text: string): this {
    let a = this.a;
    let b = this.b;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = round(a, unit, 0xcc9e2d51, 0x1b873593);
      b = round(b, unit, 0x9e3779b1, 0x85ebca77);
    }
    this.a = a;
    this.b = b;
    this.units += text.length;
    return this;
  }

  /** Sets `high` and `low` for what was fed so far; feeding can go on. */
  finish(): this {
    this.high = avalanche(this.a ^ this.units);
    this.low = avalanche(this.b ^ imul(this.high, 0x2545f491));
    if (this.high === 0 && this.low === 0) this.low = 1;
    return this;
  }
}

function round(hash: number, unit: number, c1: number, c2: number): number {
  let k = imul(unit, c1);
  k = imul((k << 15) | (k >>> 17), c2);
  const mixed = hash ^ k;
  return (imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
function avalanche(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
