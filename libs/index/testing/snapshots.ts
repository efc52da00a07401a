import { buildSnapshot } from '../snapshot.js';
import { clusteredVectors, namePages, vectorPages } from './vectors.js';

export const DIMENSIONS = 32;
export const MODEL = { modelVersion: 'm1', dimensions: DIMENSIONS };

export interface TestBuild {
  readonly kbSequence?: number;
  readonly modelVersion?: string;
  readonly count?: number;
  readonly exactBelow?: number;
}

export function testVectors(count: number): Float32Array {
  return clusteredVectors({ count, dimensions: DIMENSIONS, seed: 7 });
}

/** A snapshot of clustered vectors with keys 0, 1, … and three names; with a graph unless told. */
export async function buildTestSnapshot(root: string, options: TestBuild = {}): Promise<string> {
  const { kbSequence = 1, modelVersion = 'm1', count = 300, exactBelow = 0 } = options;
  const spec = { modelVersion, dimensions: DIMENSIONS, kbSequence, exactBelow };
  const pages = vectorPages(testVectors(count), DIMENSIONS, { size: 128 });
  const names = namePages(['new york', 'paris'], ['paris', 'limb bud']);
  return buildSnapshot(root, spec, pages, names);
}
