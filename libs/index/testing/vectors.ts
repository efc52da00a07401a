/** Seeded random numbers and vectors for tests and benches. */

// Looked up once: in Jest's realm each use of a global is slow.
const { sqrt, log, cos, PI, imul } = Math;

/** mulberry32: uniform in [0, 1). */
export function randomSource(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = imul(state ^ (state >>> 15), 1 | state);
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Clusters {
  readonly count: number;
  readonly dimensions: number;
  readonly seed: number;
  /** Vectors a cluster. */
  readonly each?: number;
  /** Dimensions in which a cluster spreads: vectors of real texts have few. */
  readonly spreadIn?: number;
}

/** Unit vectors [count, D] around cluster centres, each spread in a few directions of its own and a little in all. */
export function clusteredVectors(options: Clusters): Float32Array {
  const { count, dimensions, seed, each = 50, spreadIn = 16 } = options;
  const normal = normalSource(randomSource(seed));
  const rows = new Float32Array(count * dimensions);
  let centre: Float32Array = new Float32Array(0);
  let axes: Float32Array[] = [];
  for (let row = 0; row < count; row++) {
    if (row % each === 0) {
      centre = vector(dimensions, normal);
      axes = Array.from({ length: spreadIn }, () => vector(dimensions, normal));
    }
    rows.set(member(centre, axes, normal), row * dimensions);
  }
  return rows;
}

function member(centre: Float32Array, axes: Float32Array[], normal: () => number): Float32Array {
  const out = centre.map((value) => value + 0.3 * normal());
  for (const axis of axes) {
    const step = 0.25 * normal();
    for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + step * (axis[i] ?? 0);
  }
  return normalised(out);
}

export function normalised(values: Float32Array): Float32Array {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

function vector(dimensions: number, normal: () => number): Float32Array {
  return Float32Array.from({ length: dimensions }, normal);
}

/** Box and Muller 1958. */
function normalSource(uniform: () => number): () => number {
  return () => sqrt(-2 * log(1 - uniform())) * cos(2 * PI * uniform());
}

/** Pages of at most `size` rows, with keys of their own or `firstKey, firstKey + 1, …`. */
export async function* vectorPages(
  vectors: Float32Array,
  dimensions: number,
  options: { keys?: readonly number[]; size?: number } = {},
): AsyncGenerator<{ keys: readonly number[]; vectors: Float32Array }> {
  const count = vectors.length / dimensions;
  const keys = options.keys ?? Array.from({ length: count }, (_, i) => i);
  const size = options.size ?? 1_000;
  for (let first = 0; first < count; first += size) {
    const last = Math.min(count, first + size);
    await Promise.resolve();
    yield {
      keys: keys.slice(first, last),
      vectors: vectors.subarray(first * dimensions, last * dimensions),
    };
  }
}

export async function* namePages(
  ...pages: readonly (readonly string[])[]
): AsyncGenerator<readonly string[]> {
  for (const page of pages) {
    await Promise.resolve();
    yield page;
  }
}
