import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withoutOverlaps } from './overlaps.js';

interface Item {
  readonly start: number;
  readonly end: number;
  readonly weight: number;
}

const by = { spanOf: (item: Item) => item, weightOf: (item: Item) => item.weight };
const total = (items: readonly Item[]) => items.reduce((sum, { weight }) => sum + weight, 0);
const areApart = (items: readonly Item[]) =>
  items.every((a, at) => items.slice(at + 1).every((b) => a.end <= b.start || b.end <= a.start));

/** The largest weight of any subset without overlaps, by trying them all. */
function bestByForce(items: readonly Item[]): number {
  const subsets = items.reduce<Item[][]>(
    (all, item) => all.concat(all.map((set) => [...set, item])),
    [[]],
  );
  return Math.max(...subsets.filter(areApart).map(total));
}

const item = fc
  .record({
    start: fc.nat(20),
    length: fc.integer({ min: 1, max: 8 }),
    weight: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ start, length, weight }) => ({ start, end: start + length, weight }));

describe('withoutOverlaps', () => {
  test('keeps the heaviest set without overlaps, by place', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 9 }), (items) => {
        const kept = withoutOverlaps(items, by);
        expect(areApart(kept)).toBe(true);
        expect(total(kept)).toBe(bestByForce(items));
        expect(kept.map(({ start }) => start)).toEqual(
          kept.map(({ start }) => start).sort((a, b) => a - b),
        );
      }),
    );
  });

  test('spans that touch do not overlap', () => {
    const items = [
      { start: 0, end: 3, weight: 1 },
      { start: 3, end: 5, weight: 1 },
    ];
    expect(withoutOverlaps(items, by)).toEqual(items);
  });

  test('of equal items one is kept, the same whatever the order', () => {
    const a = { start: 0, end: 4, weight: 1 };
    const b = { start: 2, end: 6, weight: 1 };
    expect(withoutOverlaps([a, b], by)).toEqual([a]);
    expect(withoutOverlaps([b, a], by)).toEqual([a]);
  });
});
