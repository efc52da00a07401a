import { readFileSync } from 'node:fs';
import { arch } from 'node:process';

/** How far this machine's int8 graphs may be from what the golden file has of them, and from the fp32 model. */
export interface Int8Bounds {
  /** Least cosine of vectors, to the golden int8 ones and to the fp32 ones. */
  readonly cosineInt8: number;
  readonly cosine: number;
  /** Most difference of a pair's logit, to the golden int8 one and to the fp32 one. */
  readonly logitInt8: number;
  readonly logit: number;
  /** Most difference of a tag's probability, to the golden int8 one and to the fp32 one. */
  readonly tagInt8: number;
  readonly tag: number;
}

const EXACT: Int8Bounds = {
  cosineInt8: 0.999,
  cosine: 0.99,
  logitInt8: 0.05,
  logit: 1,
  tagInt8: 0.02,
  tag: 0.3,
};

/**
 * Where the processor has no dot product of bytes, ONNX Runtime adds two products in 16 bits, which saturate: other
 * answers than those in the golden file, no worse ones (model card, "Files"; docs/decisions.md).
 */
const SATURATING: Int8Bounds = {
  cosineInt8: 0.98,
  cosine: 0.98,
  logitInt8: 1,
  logit: 1,
  tagInt8: 0.1,
  tag: 0.3,
};

export const int8Bounds = hasDotProduct() ? EXACT : SATURATING;

function hasDotProduct(): boolean {
  if (arch === 'arm64') return true;
  try {
    return /\bavx(?:512)?_vnni\b/u.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false;
  }
}
