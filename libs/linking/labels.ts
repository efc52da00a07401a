import type { LabelledMention } from '../contract/labelled.js';
import { spanFault } from './given.js';

/**
 * What is wrong with a labelled mention, as a sentence without its full stop; null where nothing is. Offsets in code
 * points or bytes would teach and measure something that is quietly wrong, so the surface is compared where it is given.
 */
export function labelFault(text: string, mention: LabelledMention): string | null {
  const { start, end } = mention;
  const fault = spanFault(text, mention);
  if (fault !== null) return `mention ${start}-${end} ${fault}`;
  const surface = text.slice(start, end);
  if (mention.text === undefined || mention.text === surface) return null;
  return `mention ${start}-${end} reads "${surface}", not "${mention.text}": offsets must be UTF-16 units`;
}
