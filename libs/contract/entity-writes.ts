import { z } from 'zod';
import { entityRecord } from './entity.js';
import type { ErrorCode } from './errors.js';

/** What a write did to an entity. */
const written = z
  .enum(['created', 'changed', 'unchanged'])
  .describe('What became of the entity; `unchanged` where it was just so before.');

export const entityWriteResponse = z.object({
  kb: z.object({
    name: z.string(),
    sequence: z.int().describe('The state of the knowledge base with this write in it.'),
  }),
  status: written,
  entity: entityRecord.describe('The entity as it is kept.'),
});

/** For the documentation: what is sent is checked as imports check it, by `parseRecord`. */
export const entityWriteRequest = entityRecord
  .loose()
  .describe('An entity; fields that no entity has are kept in `data`, null counts as absent.');

export const entityPatchRequest = z
  .object({})
  .loose()
  .describe(
    'A JSON Merge Patch (RFC 7396) of the entity: null takes a field away, objects (`data`) are merged, lists are replaced.',
  );

/** Why a line was not written. */
export interface LineError {
  readonly code: ErrorCode;
  readonly detail: string;
  /** Of the entity as it is, where it was expected otherwise. */
  readonly etag?: string;
}

/** One line of the report of a bulk write: what became of one line of the body. */
export type BulkReportLine = {
  /** From 1; empty lines count and are not reported. */
  readonly line: number;
  readonly id?: string;
} & (
  | {
      readonly status: 'created' | 'changed' | 'unchanged' | 'deleted' | 'absent';
      readonly etag?: string;
    }
  | { readonly error: LineError }
);

/** The last line of the report: without it the report is not whole. */
export interface BulkSummary {
  readonly summary: Readonly<Record<string, number>>;
}

export type EntityWriteResponse = z.output<typeof entityWriteResponse>;
