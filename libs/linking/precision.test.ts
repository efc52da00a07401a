import { expect, test } from '@jest/globals';
import { CALIBRATION } from '../../test/support/calibration.js';
import { thresholdFor } from './precision.js';

test('the threshold is that of the next precision that was measured', () => {
  expect(thresholdFor(0.5, CALIBRATION)).toBe(0.4);
  expect(thresholdFor(0.8, CALIBRATION)).toBe(0.4);
  expect(thresholdFor(0.81, CALIBRATION)).toBe(0.9);
});

test('a precision beyond what was measured is refused with the most there is', () => {
  expect(() => thresholdFor(0.99, CALIBRATION)).toThrow(/at most 0\.95/);
});
