import { z } from 'zod';

export const rerankMode = z.enum(['adaptive', 'full', 'none']);
export const offsetUnit = z.enum(['utf16', 'codepoint']);

export const givenMention = z
  .object({
    start: z.int().min(0).describe('First unit of the mention, in `offsetUnit`.'),
    end: z.int().min(1).describe('One past its last unit.'),
  })
  .strict();

export const annotateOptions = z
  .object({
    rerank: rerankMode.default('adaptive'),
    offsetUnit: offsetUnit.default('utf16'),
    candidates: z
      .union([z.boolean(), z.int().min(0).max(100)])
      .default(false)
      .describe('Candidates with all their scores in each link: true for all, or how many.'),
    minConfidence: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe("Links below this are NIL; the model's own threshold where absent."),
    minPrecision: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        'Instead of minConfidence: only links as sure as those of which this share was right on the texts that the model was calibrated on.',
      ),
    includeNil: z
      .boolean()
      .optional()
      .describe(
        'Report mentions that nothing fits. Default: yes for given mentions, no for detected.',
      ),
    priors: z
      .boolean()
      .default(true)
      .describe('false: as if nothing had been learned from labelled texts or given as a prior.'),
    strict: z
      .boolean()
      .default(false)
      .describe(
        'Where the cross-encoder is not to be had in time: true answers 503, false answers without it and says `degraded`.',
      ),
  })
  .strict()
  .refine(
    ({ minConfidence, minPrecision }) => minConfidence === undefined || minPrecision === undefined,
    {
      path: ['minPrecision'],
      error: 'give either `minConfidence` or `minPrecision`, not both',
    },
  );

export const document = z
  .object({
    id: z.string().min(1).max(512),
    text: z.string(),
    mentions: z.array(givenMention).optional(),
  })
  .strict();

export const candidateScores = z.object({
  entityId: z.string(),
  title: z.string(),
  cosine: z.number(),
  lexicalRank: z.int().nullable(),
  exactTitle: z.boolean().describe('The surface is its title.'),
  exactAlias: z
    .boolean()
    .describe('The surface is one of its names, or labelled texts call it so.'),
  prior: z
    .number()
    .nullable()
    .describe('P(entity | surface) from labelled texts and given priors; null where neither is.'),
  priorMentions: z.int().describe('Labelled mentions of the surface, of whatever entity.'),
  retrievalScore: z.number(),
  logit: z.number().nullable(),
  fusedScore: z.number(),
  sources: z.array(z.enum(['dense', 'alias', 'lexical'])),
});

export const link = z.object({
  start: z.int(),
  end: z.int(),
  surface: z.string(),
  entityId: z.string().nullable().describe('null: nothing in the KB fits (NIL).'),
  title: z.string().nullable(),
  confidence: z
    .number()
    .describe('Calibrated probability that the best candidate is right, 0 to 1.'),
  source: z.enum(['given', 'gazetteer', 'tagger', 'compromise']),
  url: z.string().optional(),
  candidates: z.array(candidateScores).optional(),
});

export const versions = z.object({
  model: z.string(),
  kb: z.object({ name: z.string(), sequence: z.int() }),
  index: z.string(),
});

export const degraded = z
  .literal(true)
  .optional()
  .describe(
    'The workers that rerank did not answer in time: these links were decided without the cross-encoder. Absent otherwise.',
  );

export const timings = z
  .object({
    detect: z.number(),
    encode: z.number(),
    retrieve: z.number(),
    rerank: z.number(),
    decide: z.number(),
  })
  .describe('Milliseconds by step.');

export type AnnotateOptions = z.output<typeof annotateOptions>;
export type GivenMention = z.output<typeof givenMention>;
export type AnnotateDocument = z.output<typeof document>;
export type Link = z.output<typeof link>;
export type CandidateScores = z.output<typeof candidateScores>;
export type Versions = z.output<typeof versions>;
