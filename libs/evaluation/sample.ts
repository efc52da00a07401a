/**
 * A seeded generator of numbers in [0, 1): mulberry32 (Tommy Ettinger, public domain). The seed is all its state,
 * so a figure that was printed with its seed can be made again on any machine.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * `limit` of the ordinals 0 … total-1 in ascending order, every subset equally likely (Knuth, TAOCP 2, 3.4.2,
 * algorithm S); all of them where `limit` is no smaller than `total`. Needs memory for the chosen ones only.
 */
export function sampleOrdinals(total: number, limit: number, seed: number): ReadonlySet<number> {
  const random = seededRandom(seed);
  const chosen = new Set<number>();
  for (let ordinal = 0; ordinal < total && chosen.size < limit; ordinal += 1) {
    const wanted = limit - chosen.size;
    if (random() * (total - ordinal) < wanted) chosen.add(ordinal);
  }
  return chosen;
}

/** The numbers 0 … total-1 in a seeded random order (Fisher-Yates). */
export function shuffledOrdinals(total: number, seed: number): readonly number[] {
  const random = seededRandom(seed);
  const order = Array.from({ length: total }, (_, ordinal) => ordinal);
  for (let last = total - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order;
}
