import { median, millisecondsOf } from '../support/figures.js';

/** Work whose cost is told beside that of other work on the same machine at the same time. */
export interface Contest {
  readonly ours: () => Promise<unknown>;
  readonly beside: () => Promise<unknown>;
}

/** The median of the rounds' ratios ours/beside, in time; the first round warms up and does not count. */
export async function ratioOf({ ours, beside }: Contest, rounds: number): Promise<number> {
  const ratios: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    // Each first in every other round: what was in the caches then helps both.
    const isOursFirst = round % 2 === 0;
    const first = await millisecondsOf(isOursFirst ? ours : beside);
    const second = await millisecondsOf(isOursFirst ? beside : ours);
    if (round > 0) ratios.push(isOursFirst ? first / second : second / first);
  }
  return median(ratios);
}
