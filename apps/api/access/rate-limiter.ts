export interface RateRules {
  readonly perMinute: number;
  /** Requests at once after a pause. */
  readonly burst: number;
  /** Callers that are remembered. */
  readonly most: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

export interface Taken {
  readonly isAllowed: boolean;
  /** Requests that are left at once. */
  readonly left: number;
  /** Until there is one more. */
  readonly waitSeconds: number;
}

/**
 * A token bucket a caller. Memory is bounded: where too many callers are remembered, the one that was heard of longest
 * ago is forgotten, and then begins with a full bucket.
 */
export class RateLimiter {
  /** In the order in which they were last used. */
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly rules: RateRules,
    /** Milliseconds of a clock that never goes back. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  get size(): number {
    return this.buckets.size;
  }

  take(caller: string): Taken {
    const bucket = this.refilled(caller);
    const isAllowed = bucket.tokens >= 1;
    if (isAllowed) bucket.tokens -= 1;
    const missing = Math.max(0, 1 - bucket.tokens);
    const waitSeconds = Math.ceil((missing * 60) / this.rules.perMinute);
    return { isAllowed, left: Math.floor(bucket.tokens), waitSeconds };
  }

  private refilled(caller: string): Bucket {
    const { perMinute, burst } = this.rules;
    const now = this.now();
    const known = this.buckets.get(caller) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, known.tokens + ((now - known.at) * perMinute) / 60_000);
    const bucket = { tokens, at: now };
    this.buckets.delete(caller);
    this.buckets.set(caller, bucket);
    if (this.buckets.size > this.rules.most) this.forgetOldest();
    return bucket;
  }

  private forgetOldest(): void {
    for (const oldest of this.buckets.keys()) {
      this.buckets.delete(oldest);
      return;
    }
  }
}
