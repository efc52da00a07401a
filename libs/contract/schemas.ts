import { z } from 'zod';
import * as models from './models-api.js';
import * as writes from './entity-writes.js';
import * as requests from './requests.js';
import * as responses from './responses.js';
import { candidateScores, link } from './annotate.js';
import * as batches from './batches.js';
import { problem } from './problem.js';

/** Schemas of request bodies, by their names in the OpenAPI document. */
export const REQUEST_SCHEMAS = {
  AnnotateRequest: requests.annotateRequest,
  MentionsRequest: requests.mentionsRequest,
  CandidatesRequest: requests.candidatesRequest,
  FeedbackRequest: requests.feedbackRequest,
  ReembedRequest: models.reembedRequest,
  EntityWriteRequest: writes.entityWriteRequest,
  EntityPatchRequest: writes.entityPatchRequest,
  JobRequest: batches.jobRequest,
} as const;

/** Schemas of answers. */
export const ANSWER_SCHEMAS = {
  Link: link,
  CandidateScores: candidateScores,
  Entity: responses.entity,
  AnnotateTextResponse: responses.annotateTextResponse,
  AnnotateDocumentsResponse: responses.annotateDocumentsResponse,
  AnnotateResponse: responses.annotateResponse,
  MentionsResponse: responses.mentionsResponse,
  CandidatesResponse: responses.candidatesResponse,
  FeedbackResponse: responses.feedbackResponse,
  KbsResponse: responses.kbsResponse,
  EntityResponse: responses.entityResponse,
  EntitiesResponse: responses.entitiesResponse,
  EntityWriteResponse: writes.entityWriteResponse,
  HealthResponse: responses.healthResponse,
  ReadyResponse: responses.readyResponse,
  KbModels: models.kbModels,
  ModelsResponse: models.modelsResponse,
  Job: batches.job,
  JobsResponse: batches.jobsResponse,
  JobResult: batches.jobResult,
  Problem: problem,
} as const;

export type SchemaName = keyof typeof REQUEST_SCHEMAS | keyof typeof ANSWER_SCHEMAS;

/** JSON Schemas (draft 2020-12, the dialect of OpenAPI 3.1) of all, referring to each other as components. */
export function componentSchemas(): Readonly<Record<string, unknown>> {
  return { ...jsonSchemas(REQUEST_SCHEMAS, 'input'), ...jsonSchemas(ANSWER_SCHEMAS, 'output') };
}

function jsonSchemas(
  schemas: Readonly<Record<string, z.ZodType>>,
  io: 'input' | 'output',
): Record<string, unknown> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, {
    io,
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => {
      // An answer may gain fields in a later version: readers should not refuse them.
      if (io === 'output') delete jsonSchema.additionalProperties;
    },
  });
  return Object.fromEntries(Object.entries(made.schemas).map(([id, one]) => [id, bare(one)]));
}

/** Without the keys of a document of its own. */
function bare(schema: object): object {
  return Object.fromEntries(
    Object.entries(schema).filter(([key]) => key !== '$id' && key !== '$schema'),
  );
}
