import { ReferentError } from '../contract/errors.js';
import type { Calibration } from '../model/manifest.js';

/**
 * The confidence from which links had at least this precision on the dev splits the model was calibrated on.
 * @throws ReferentError `invalid-input` for a precision that was not reached there.
 */
export function thresholdFor(
  minPrecision: number,
  { precision }: Pick<Calibration, 'precision'>,
): number {
  const entry = precision.find((each) => each.precision >= minPrecision);
  if (entry !== undefined) return entry.threshold;
  const most = precision.at(-1)?.precision ?? 0;
  throw new ReferentError(
    'invalid-input',
    `minPrecision is ${minPrecision}; the model was calibrated for at most ${most}. Use minConfidence for more.`,
  );
}
