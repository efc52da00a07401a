import { z } from 'zod';

/** What a re-embedding does, in this order; it goes back to `embed` where entities changed meanwhile. */
export const REEMBEDDING_PHASES = ['embed', 'index', 'check', 'swap'] as const;

/** How far a re-embedding is, as the process that leads it last said. */
export const reembeddingProgress = z.object({
  phase: z
    .enum(REEMBEDDING_PHASES)
    .describe('Encoding entities, building the index, checking it, or changing over to it.'),
  done: z.int().describe('Of the phase: entities, or sampled queries.'),
  total: z.int(),
  perSecond: z.number().nullable().describe('Null where it is not known yet.'),
  secondsLeft: z.number().nullable().describe('Of this phase; null where it is not known.'),
  encoded: z.int().describe('Entities that were encoded since it was last taken up.'),
  recall: z
    .number()
    .nullable()
    .describe(
      'Share of the 100 nearest of sampled entities that the new index finds; null before.',
    ),
  at: z.string().describe('When this was said. ISO 8601, UTC.'),
});

export type ReembeddingProgress = z.output<typeof reembeddingProgress>;
export type ReembeddingPhase = ReembeddingProgress['phase'];

export const reembedRequest = z
  .object({
    model: z
      .string()
      .min(1)
      .max(200)
      .describe('Name of a model, as GET /v1/models lists them: a folder among the models.'),
  })
  .strict();

const modelReference = z.object({
  version: z.string().describe('Of its vectors.'),
  names: z
    .array(z.string())
    .describe('Models of this server with such vectors; empty where it has none.'),
});

export const reembedding = z.object({
  model: z.string().describe('Name of the model that the knowledge base is to be searched with.'),
  version: z.string().describe('Of its vectors.'),
  state: z
    .enum(['running', 'stopped'])
    .describe('It goes on by itself while any process is there; a stopped one when asked again.'),
  problem: z.string().nullable().describe('Why it stopped.'),
  startedAt: z.string().describe('ISO 8601, UTC.'),
  progress: reembeddingProgress.nullable().describe('null where nothing was done yet.'),
});

export const kbModels = z
  .object({
    kb: z.string(),
    active: modelReference.describe('What the knowledge base is searched with.'),
    previous: modelReference.nullable().describe('What a rollback returns to; null: nothing.'),
    reembedding: reembedding.nullable().describe('Under way, or stopped; null: neither.'),
  })
  .describe('Under which models a knowledge base is searched, was, and is to be.');

export const modelSummary = z.object({
  name: z.string().describe('Of its folder.'),
  version: z.string().nullable().describe('Of its vectors; null where it cannot be used.'),
  release: z.string().nullable().describe('What answers name; null where it cannot be used.'),
  dimensions: z.int().nullable(),
  isDefault: z.boolean().describe('Whether a knowledge base that was never re-embedded has it.'),
  isLoaded: z.boolean().describe('In the process that answers.'),
  kbs: z.array(z.string()).describe('Knowledge bases that are searched with such vectors.'),
  problem: z.string().optional().describe('Why it cannot be used; absent where it can.'),
});

export const modelsResponse = z.object({ models: z.array(modelSummary) });

export type ReembedRequest = z.output<typeof reembedRequest>;
export type KbModels = z.output<typeof kbModels>;
export type ModelsResponse = z.output<typeof modelsResponse>;
