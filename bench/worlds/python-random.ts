/**
 * Python's `random.Random(seed).sample(range(population), size)`, so that the very mentions which the model card
 * was measured on can be drawn without Python: MT19937 (Matsumoto & Nishimura 1998) seeded by
 * `init_by_array([seed])`, and the two ways of CPython's `Random.sample`.
 */
export function pythonSample(seed: number, population: number, size: number): number[] {
  const random = new MersenneTwister(seed);
  return population <= poolLimit(size)
    ? fromPool(random, population, size)
    : bySelection(random, population, size);
}

/** CPython takes the pool where a set of that size would need more memory than a list of the population. */
const poolLimit = (size: number): number =>
  21 + (size > 5 ? 4 ** Math.ceil(Math.log(size * 3) / Math.log(4)) : 0);

function fromPool(random: MersenneTwister, population: number, size: number): number[] {
  const pool = Array.from({ length: population }, (_, at) => at);
  return Array.from({ length: size }, (_, drawn) => {
    const at = random.below(population - drawn);
    const value = pool[at] ?? 0;
    pool[at] = pool[population - drawn - 1] ?? 0;
    return value;
  });
}

function bySelection(random: MersenneTwister, population: number, size: number): number[] {
  const selected = new Set<number>();
  while (selected.size < size) selected.add(random.below(population));
  return [...selected];
}

const WORDS = 624;
const MIDDLE = 397;

class MersenneTwister {
  readonly #state = new Uint32Array(WORDS);
  #at = WORDS;

  constructor(seed: number) {
    const state = this.#state;
    fillFrom(state, 19_650_218);
    let at = 1;
    for (let step = 0; step < WORDS; step += 1) {
      state[at] = (word(state, at) ^ Math.imul(mixed(state, at), 1_664_525)) + seed;
      at = next(state, at);
    }
    for (let step = 0; step < WORDS - 1; step += 1) {
      state[at] = (word(state, at) ^ Math.imul(mixed(state, at), 1_566_083_941)) - at;
      at = next(state, at);
    }
    state[0] = 0x80000000;
  }

  /** A whole number from 0 up to before `limit`, which is below 2^32. */
  below(limit: number): number {
    const bits = 32 - Math.clz32(limit);
    for (;;) {
      const value = this.#next() >>> (32 - bits);
      if (value < limit) return value;
    }
  }

  #next(): number {
    if (this.#at === WORDS) this.#twist();
    let value = word(this.#state, this.#at);
    this.#at += 1;
    value ^= value >>> 11;
    value ^= (value << 7) & 0x9d2c5680;
    value ^= (value << 15) & 0xefc60000;
    return (value ^ (value >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let at = 0; at < WORDS; at += 1) {
      const both = (word(state, at) & 0x80000000) | (word(state, (at + 1) % WORDS) & 0x7fffffff);
      const odd = (both & 1) === 0 ? 0 : 0x9908b0df;
      state[at] = word(state, (at + MIDDLE) % WORDS) ^ (both >>> 1) ^ odd;
    }
    this.#at = 0;
  }
}

const word = (state: Uint32Array, at: number): number => state[at] ?? 0;

const mixed = (state: Uint32Array, at: number): number => {
  const before = word(state, at - 1);
  return before ^ (before >>> 30);
};

function fillFrom(state: Uint32Array, seed: number): void {
  state[0] = seed;
  for (let at = 1; at < WORDS; at += 1) {
    state[at] = Math.imul(mixed(state, at), 1_812_433_253) + at;
  }
}

/** The next place after `at`; past the end it is 1, and place 0 takes the last word. */
function next(state: Uint32Array, at: number): number {
  if (at + 1 < WORDS) return at + 1;
  state[0] = word(state, WORDS - 1);
  return 1;
}
