import { z } from 'zod';
import { kb } from './requests.js';
import { annotateOptions, document, link, offsetUnit, rerankMode, versions } from './annotate.js';

/** Batch annotation: what `/v1/jobs` takes and answers. */

export const jobRequest = z
  .object({
    documents: z
      .array(document)
      .min(1)
      .describe('Texts with ids of your own, which need not be distinct: a result has its line.'),
    kb,
    options: annotateOptions.optional(),
  })
  .strict();

const yesOrNo = z
  .enum(['true', 'false'], { error: 'expected true or false' })
  .transform((value) => value === 'true');

const share = z
  .string()
  .regex(/^(0|1|0?\.\d{1,17}|[01]\.\d{1,17})$/, { error: 'expected a number from 0 to 1' })
  .transform(Number);

/** The options of a stream of JSON Lines, which has no place for them in its body. */
export const jobQuery = z
  .object({
    kb,
    rerank: rerankMode.optional(),
    offsetUnit: offsetUnit.optional(),
    candidates: z
      .union(
        [
          yesOrNo,
          z
            .string()
            .regex(/^\d{1,3}$/)
            .transform(Number),
        ],
        {
          error: 'expected true, false or how many',
        },
      )
      .optional(),
    minConfidence: share.optional(),
    minPrecision: share.optional(),
    includeNil: yesOrNo.optional(),
    priors: yesOrNo.optional(),
  })
  .strict();

/** A JSON body brings all itself. */
export const noJobQuery = z.object({}).strict();

/** `Idempotency-Key`: visible ASCII, so that it is the same everywhere. */
const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, {
    error:
      'expected 1 to 255 visible ASCII characters without a space; leave the header out where you need none',
  })
  .optional();

export const jobHeaders = z.object({ 'Idempotency-Key': idempotencyKey });

const wholeParameter = (least: number, most: number) => {
  const error = `expected a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, { error, abort: true })
    .transform(Number)
    .refine((value) => value >= least && value <= most, error);
};

const MAX_LINE = 2_147_483_646;

export const resultsQuery = z
  .object({
    offset: wholeParameter(0, MAX_LINE)
      .default(0)
      .describe(
        'Results of the lines after this one: the `line` of the last result that you have.',
      ),
    limit: wholeParameter(1, MAX_LINE).optional().describe('Most results in the answer.'),
    wait: yesOrNo.default(false).describe('true: follows the job, and ends when it has.'),
  })
  .strict();

export const jobsQuery = z.object({ limit: wholeParameter(1, 1_000).default(100) }).strict();

export const jobState = z.enum(['queued', 'running', 'done', 'cancelled', 'failed']);

const lineError = z.object({
  code: z.string().describe('What went wrong, for programs; the codes of problems.'),
  detail: z.string().describe('What went wrong, for people.'),
});

export const job = z.object({
  id: z.string(),
  state: jobState,
  kb: z.string(),
  options: annotateOptions,
  total: z.int().describe('Documents, lines that are none included.'),
  done: z.int().describe('Documents that have their links.'),
  failed: z
    .int()
    .describe('Documents that have an error instead. In the end done + failed = total.'),
  ratePerSecond: z
    .number()
    .nullable()
    .describe('Documents a second since the job was last taken up; null while nobody can say.'),
  secondsLeft: z.int().nullable().describe('At that rate; null while nobody can say.'),
  createdAt: z.string().describe('ISO 8601, UTC, as all times here.'),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  expiresAt: z
    .string()
    .nullable()
    .describe('When the job and its results are removed; null before it has ended.'),
  versions: versions.nullable().describe('Of the newest results; null before the first.'),
  problem: lineError.nullable().describe('Why the job failed as a whole.'),
});

export const jobsResponse = z.object({ jobs: z.array(job).describe('Newest first.') });

export const jobResult = z
  .union([
    z.object({ line: z.int(), id: z.string(), links: z.array(link) }),
    z.object({ line: z.int(), id: z.string().nullable(), error: lineError }),
  ])
  .describe(
    'A line of the results. `line` is that of the stream, from 1, or the place in `documents`, from 1.',
  );

export type JobRequest = z.output<typeof jobRequest>;
export type JobState = z.output<typeof jobState>;
export type JobResponse = z.output<typeof job>;
export type JobsQuery = z.output<typeof jobsQuery>;
export type JobsResponse = z.output<typeof jobsResponse>;
export type ResultsQuery = z.output<typeof resultsQuery>;
export type LineError = z.output<typeof lineError>;
