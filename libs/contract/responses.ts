import { z } from 'zod';
import { candidateScores, degraded, link, timings, versions } from './annotate.js';
import { entityRecord } from './entity.js';

const made = { versions, timings };

export const annotateTextResponse = z
  .object({ links: z.array(link), degraded, ...made })
  .describe('Answer to a request with `text`.');

export const annotateDocumentsResponse = z
  .object({
    results: z.array(z.object({ id: z.string(), links: z.array(link), degraded })),
    degraded,
    ...made,
  })
  .describe('Answer to a request with `documents`, in their order; timings are summed over them.');

export const annotateResponse = z.union([annotateTextResponse, annotateDocumentsResponse]);

export const mention = link.pick({ start: true, end: true, surface: true, source: true }).extend({
  spanProbability: z.number().describe('How likely the span is a mention at all, 0 to 1.'),
});

export const mentionsResponse = z.object({ mentions: z.array(mention), ...made });

/** A candidate before reranking: no cross-encoder has read it. */
export const retrievedCandidate = candidateScores.omit({ logit: true, fusedScore: true });

export const candidatesResponse = z.object({
  mentions: z.array(mention.extend({ candidates: z.array(retrievedCandidate) })),
  ...made,
});

export const feedbackResponse = z.object({
  kb: versions.shape.kb.describe('The knowledge base, and its sequence once this was learned.'),
  learned: z
    .boolean()
    .describe('false: it was learned before, by its id or its content, and counts no second time.'),
  mentions: z.int().describe('Mentions that were counted now.'),
});

export const kbSummary = z.object({
  name: z.string(),
  activeModel: z
    .string()
    .nullable()
    .describe(
      'Version of the vectors it is searched with; null: that of the model the server runs.',
    ),
  isDefault: z.boolean().describe('Whether requests that name no KB go to this one.'),
  entities: z.int(),
  names: z
    .int()
    .describe('Titles and aliases: pairs of a normalised name and an entity that carries it.'),
  sequence: z.int().describe('Grows with every committed change.'),
  updatedAt: z.string().describe('ISO 8601, UTC.'),
  problem: z.string().optional().describe('Why it cannot be linked to; absent where it can.'),
});

export const kbsResponse = z.object({ kbs: z.array(kbSummary) });

export const entity = entityRecord.describe('The entity as its owner wrote it.');

export const entityResponse = z.object({ kb: z.string(), entity });

export const entitiesResponse = z.object({ kb: z.string(), entities: z.array(entity) });

export const healthResponse = z.object({ status: z.literal('ok') });

export const readyResponse = z.object({
  status: z.literal('ready'),
  model: z.string(),
  kbs: z.array(z.string()).describe('Knowledge bases that can be linked to.'),
  warnings: z
    .array(z.string())
    .describe('What is not as it should be although links can be made, for people.'),
  queues: z
    .record(
      z.string(),
      z.object({ workers: z.int().describe('Processes that take jobs of this queue.') }),
    )
    .optional()
    .describe('By the name of the queue; absent where the queues cannot be reached.'),
});

export type AnnotateTextResponse = z.output<typeof annotateTextResponse>;
export type AnnotateResponse = z.output<typeof annotateResponse>;
export type MentionsResponse = z.output<typeof mentionsResponse>;
export type CandidatesResponse = z.output<typeof candidatesResponse>;
export type FeedbackResponse = z.output<typeof feedbackResponse>;
export type KbsResponse = z.output<typeof kbsResponse>;
export type EntityResponse = z.output<typeof entityResponse>;
export type EntitiesResponse = z.output<typeof entitiesResponse>;
export type ReadyResponse = z.output<typeof readyResponse>;
