import { z } from 'zod';
import { rerankMode } from './annotate.js';

/**
 * What travels through the queues: a payload and a result a job, parsed with these schemas on arrival. Ids and versions
 * where they do, content where it must be.
 */
const rerankMention = z.object({
  start: z.int().min(0),
  end: z.int().min(1),
  spanProbability: z.number(),
  /** [key, retrievalScore, evidenceScore] of each candidate, best retrieval score first. */
  candidates: z.array(z.tuple([z.int(), z.number(), z.number()])),
});

/** All pairs of one document: the worker runs the waves over them, so that a document costs one round trip. */
const rerankJob = z.object({
  kb: z.string(),
  /** The release that retrieved the candidates: the worker's logits must be of the same. */
  release: z.string(),
  text: z.string(),
  mentions: z.array(rerankMention),
  mode: rerankMode,
  minConfidence: z.number(),
});

const rerankResult = z.object({
  /** Of each mention, the logits of its first candidates; null where the entity is gone. */
  logits: z.array(z.array(z.number().nullable())),
  pairsScored: z.int(),
});

/** Documents [from, to) of a batch, by their place in it. */
const annotateJob = z.object({ batch: z.string(), from: z.int().min(0), to: z.int().min(1) });
const annotateResult = z.object({ done: z.int(), failed: z.int() });

/** Entities with keys in (afterKey, throughKey] that have no vector of the model yet. */
const embedJob = z.object({
  kb: z.string(),
  /** Name of the model's folder, and the version it must have. */
  model: z.string(),
  version: z.string(),
  afterKey: z.int(),
  throughKey: z.int(),
});
const embedResult = z.object({ encoded: z.int() });

/** The last step of a re-embedding: the index of a KB under its new model, and the swap. */
const publishJob = z.object({ kb: z.string() });
const publishResult = z.object({ published: z.boolean() });

export const JOBS = {
  rerank: { payload: rerankJob, result: rerankResult },
  annotate: { payload: annotateJob, result: annotateResult },
  embed: { payload: embedJob, result: embedResult },
  publish: { payload: publishJob, result: publishResult },
} as const;

/** Interactive work goes before batch work: in a queue, and where batches take turns at the model. */
export const lane = z.enum(['interactive', 'batch']);
export type Lane = z.output<typeof lane>;

/** A queue carries one kind of job and has its name. */
export type QueueName = keyof typeof JOBS;
export type JobPayload<N extends QueueName> = z.output<(typeof JOBS)[N]['payload']>;
export type JobResult<N extends QueueName> = z.output<(typeof JOBS)[N]['result']>;
export const QUEUE_NAMES = Object.keys(JOBS) as readonly QueueName[];
