import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { tagWindows } from './tag-windows.js';

const LIMITS = { windowPieces: 126, windowStride: 94 };

test('a short text is one window', () => {
  expect([...tagWindows(126, LIMITS)]).toEqual([{ from: 0, to: 126, keptFrom: 0, keptTo: 126 }]);
});

test('every piece belongs to one window, and stands well inside of it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2_000 }), (textPieces) => {
      let next = 0;
      for (const { from, to, keptFrom, keptTo } of tagWindows(textPieces, LIMITS)) {
        expect(keptFrom).toBe(next);
        expect(keptTo).toBeGreaterThan(keptFrom);
        expect(to - from).toBeLessThanOrEqual(LIMITS.windowPieces);
        expect(from === 0 || keptFrom - from >= 16).toBe(true);
        expect(to === textPieces || to - keptTo >= 16).toBe(true);
        next = keptTo;
      }
      expect(next).toBe(textPieces);
    }),
  );
});
