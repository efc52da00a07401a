import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ReferentError } from '../contract/errors.js';
import { asDiskError } from './checked-file.js';

export const MANIFEST_FILE = 'manifest.json';
/** Grows when the files of a snapshot change in a way that older code cannot read. */
const FORMAT = 1;

const count = z.int().min(0);
const fileRecord = z.object({
  bytes: count,
  blockBytes: z.int().min(1),
  crc32: z.array(count).readonly(),
});

const snapshotManifest = z.object({
  format: z.literal(FORMAT),
  modelVersion: z.string().min(1),
  dimensions: z.int().min(1),
  kbSequence: count,
  vectors: count,
  names: count,
  createdAt: z.string(),
  /** Settings of the graph; null where the vectors are few and searched one by one. */
  graph: z
    .object({
      library: z.literal('usearch'),
      metric: z.literal('cosine'),
      quantization: z.string(),
      connectivity: count,
      expansionAdd: count,
      expansionSearch: count,
    })
    .nullable(),
  files: z.object({
    vectors: fileRecord,
    keys: fileRecord,
    names: fileRecord,
    graph: fileRecord.nullable(),
  }),
});

/** What is in a snapshot folder, for which model and state of the KB. */
export type SnapshotManifest = z.output<typeof snapshotManifest>;

export function makeManifest(
  content: Omit<SnapshotManifest, 'format' | 'createdAt'>,
): SnapshotManifest {
  return { format: FORMAT, createdAt: new Date().toISOString(), ...content };
}

export async function writeManifest(folder: string, manifest: SnapshotManifest): Promise<void> {
  const path = join(folder, MANIFEST_FILE);
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await asDiskError(path, () => writeFile(path, text, { flag: 'wx', flush: true }));
}

/** `index-invalid` where there is none, or none that this version can read. */
export async function readManifest(folder: string): Promise<SnapshotManifest> {
  const path = join(folder, MANIFEST_FILE);
  const manifest = await parseManifest(path);
  if (isConsistent(manifest)) return manifest;
  throw invalid(path, 'sizes that do not fit its counts');
}

async function parseManifest(path: string): Promise<SnapshotManifest> {
  try {
    return snapshotManifest.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const found = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw invalid(path, found, cause);
  }
}

/** Sizes follow from counts, so a manifest mixed up with another one shows. */
function isConsistent({ vectors, dimensions, graph, files }: SnapshotManifest): boolean {
  return (
    files.vectors.bytes === vectors * dimensions * Float32Array.BYTES_PER_ELEMENT &&
    files.keys.bytes === vectors * Float64Array.BYTES_PER_ELEMENT &&
    (graph === null) === (files.graph === null)
  );
}

function invalid(path: string, found: string, cause?: unknown): ReferentError {
  return new ReferentError(
    'index-invalid',
    `Index manifest ${path} cannot be used: found ${found}; expected a manifest of format ${FORMAT}. ` +
      'Delete its folder; the index is rebuilt from the stored vectors.',
    { cause },
  );
}
