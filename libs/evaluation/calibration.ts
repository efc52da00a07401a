import { ratio, type Ratio } from './metrics.js';

export interface Forecast {
  /** The probability that was given, 0..1. */
  readonly confidence: number;
  readonly right: boolean;
}

export interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly mentions: number;
  readonly meanConfidence: Ratio;
  readonly accuracy: Ratio;
}

export interface Calibration {
  /** Expected calibration error: the mean distance of confidence and accuracy by bin, weighted by mentions. */
  readonly ece: Ratio;
  readonly bins: readonly CalibrationBin[];
}

const BINS = 10;

/**
 * Expected calibration error in ten bins of equal width, `[0, 0.1) … [0.9, 1]`
 * (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2).
 */
export function calibration(forecasts: readonly Forecast[]): Calibration {
  const bins = Array.from({ length: BINS }, (_, bin) =>
    describeBin(
      bin,
      forecasts.filter(({ confidence }) => binOf(confidence) === bin),
    ),
  );
  const distance = bins.reduce((sum, bin) => sum + gap(bin) * bin.mentions, 0);
  return { ece: ratio(distance, forecasts.length), bins };
}

const binOf = (confidence: number): number =>
  Math.min(BINS - 1, Math.max(0, Math.floor(confidence * BINS)));

const gap = ({ meanConfidence, accuracy }: CalibrationBin): number =>
  Math.abs((meanConfidence ?? 0) - (accuracy ?? 0));

function describeBin(bin: number, forecasts: readonly Forecast[]): CalibrationBin {
  const confidence = forecasts.reduce((sum, forecast) => sum + forecast.confidence, 0);
  const right = forecasts.filter((forecast) => forecast.right).length;
  return {
    from: bin / BINS,
    to: (bin + 1) / BINS,
    mentions: forecasts.length,
    meanConfidence: ratio(confidence, forecasts.length),
    accuracy: ratio(right, forecasts.length),
  };
}
