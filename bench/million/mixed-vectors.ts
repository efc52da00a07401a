import { ExactIndex } from '../../libs/index/exact-index.js';
import { normalised, randomSource } from '../../libs/index/testing/vectors.js';
import type { EntityEncoder } from '../../libs/jobs/embedder.js';
import type { BenchVectors } from '../index/bench-vectors.js';

/** Of those that real vectors are mixed with. */
const NEIGHBOURS = 16;
/** Length of the noise beside a unit vector. */
const NOISE = 0.25;

/**
 * Any number of unit vectors that lie as real ones do: each is a point between a real vector and one of its nearest
 * neighbours, and some noise. The same calls give the same vectors.
 */
export class MixedVectors {
  private readonly neighbours: readonly (readonly number[])[];

  constructor(private readonly real: BenchVectors) {
    const { vectors, dimensions } = real;
    const index = new ExactIndex(dimensions);
    const keys = Array.from({ length: vectors.length / dimensions }, (_, row) => row);
    index.upsert(keys, vectors);
    this.neighbours = index.search(vectors, NEIGHBOURS + 1).map((found) => found.keys.slice(1));
  }

  page(count: number, seed: number): Float32Array {
    const random = randomSource(seed);
    const { dimensions } = this.real;
    const page = new Float32Array(count * dimensions);
    for (let row = 0; row < count; row++) page.set(this.one(random), row * dimensions);
    return page;
  }

  private one(random: () => number): Float32Array {
    const at = Math.floor(random() * this.neighbours.length);
    const near = this.neighbours[at] ?? [];
    const [a, b] = [this.row(at), this.row(near[Math.floor(random() * near.length)] ?? at)];
    const share = random();
    // Of uniform numbers in (-1, 1): their square is 1/3 in the mean.
    const scale = NOISE * Math.sqrt(3 / a.length);
    return normalised(
      a.map((value, i) => {
        return value + share * ((b[i] ?? 0) - value) + scale * (2 * random() - 1);
      }),
    );
  }

  private row(at: number): Float32Array {
    const { vectors, dimensions } = this.real;
    return vectors.subarray(at * dimensions, (at + 1) * dimensions);
  }
}

/** Gives entities mixed vectors under the model's version. */
export function mixingEncoder(
  manifest: EntityEncoder['manifest'],
  vectors: MixedVectors,
): EntityEncoder {
  let calls = 0;
  return {
    manifest,
    encodeEntities: ({ length }) => Promise.resolve(vectors.page(length, (calls += 1))),
  };
}
