import type { Neighbours } from './vector-index.js';

interface Match {
  readonly key: number;
  readonly cosine: number;
}

/** Best first; equal cosines by the smaller key, so that every index gives the same order. */
function byRank(a: Match, b: Match): number {
  return b.cosine - a.cosine || a.key - b.key;
}

/**
 * Keeps the `limit` best of all matches offered. A sorted buffer that is cut when it has doubled: amortised
 * O(log limit) an offer, and most offers end at one comparison with the worst kept so far.
 */
export class BestMatches {
  private kept: Match[] = [];
  private threshold = -Infinity;

  constructor(private readonly limit: number) {}

  /** Cosines that are NaN are never kept. */
  offer(key: number, cosine: number): void {
    if (!(cosine >= this.threshold)) return;
    this.kept.push({ key, cosine });
    if (this.kept.length >= 2 * this.limit + 16) this.cut();
  }

  neighbours(): Neighbours {
    this.cut();
    return {
      keys: this.kept.map((match) => match.key),
      cosines: Float32Array.from(this.kept, (match) => match.cosine),
    };
  }

  private cut(): void {
    this.kept.sort(byRank);
    if (this.kept.length > this.limit) this.kept.length = Math.max(0, this.limit);
    const worst = this.kept.at(-1);
    if (worst !== undefined && this.kept.length === this.limit) this.threshold = worst.cosine;
  }
}
