import type {
  DemoResult,
  NamesakesResult,
  NilResult,
  SampleSizes,
  WorldResult,
} from '../measure.js';
import type { PeerFigures } from '../peers.js';

export interface MeasuredWorld extends WorldResult {
  /** null where `npm run bench:peers` was not run on these mentions. */
  readonly peers: PeerFigures | null;
}

/** All that the page tells. */
export interface Results {
  readonly sizes: SampleSizes;
  readonly worlds: readonly MeasuredWorld[];
  readonly nil: readonly NilResult[];
  readonly namesakes: NamesakesResult;
  readonly demo: DemoResult;
}
