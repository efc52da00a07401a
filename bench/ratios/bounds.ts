/** A figure that says the same on any machine: time to time, or a count. */
export interface Bound {
  readonly name: string;
  /** What is divided by what. */
  readonly what: string;
  /** The least and the most of `runs` runs on 2 cores with 10 to 15 other processes that wanted them. */
  readonly seen: readonly [least: number, most: number];
  readonly runs: number;
  /** The test fails above it. */
  readonly most: number;
}

/**
 * A bound is above the most that was seen on that very busy machine, and counts, which no load changes, have a tenth. The
 * test fails where three measurements are all above it, so the noise hardly does it, and a cost that has doubled does.
 * `node dist/bench/ratios.bench.js --times 6` measures the noise anew.
 */
export const BOUNDS = {
  encoding: {
    name: 'encoding',
    what: 'entities through `LinkingModel` / the same batches in a bare ONNX Runtime session',
    seen: [0.827, 1.398],
    runs: 7,
    most: 1.5,
  },
  linking: {
    name: 'linking',
    what: 'a document of 250 words without reranking / one bare pass of the trunk over its windows',
    seen: [1.757, 3.864],
    runs: 7,
    most: 4,
  },
  pairs: {
    name: 'pairs',
    what: 'pairs that adaptive reranking reads / mentions of that document',
    seen: [3.556, 3.556],
    runs: 7,
    most: 3.9,
  },
  graph: {
    name: 'graph',
    what: 'building an index of 1,500 vectors / bare USearch on the same vectors',
    seen: [0.933, 1.216],
    runs: 7,
    most: 1.5,
  },
  size: {
    name: 'size',
    what: 'a record of an import of 6,000 without encoder and index / a record of one of 1,500',
    seen: [0.791, 1.137],
    runs: 7,
    most: 1.5,
  },
} as const satisfies Record<string, Bound>;
