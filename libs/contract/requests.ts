import { z } from 'zod';
import { annotateOptions, document, givenMention, offsetUnit } from './annotate.js';

/** Name of a KB in a request; whether it exists is the catalog's word, not the shape's. */
export const kb = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .describe('Knowledge base. Default: the one of REFERENT_DEFAULT_KB, else the only one there is.');

const text = z
  .string()
  .describe('Any text. Empty is allowed: nothing is found in it. At most REFERENT_MAX_TEXT_CHARS.');

const mentions = z
  .array(givenMention)
  .optional()
  .describe(
    'Spans to link, taken as they are; they may overlap. Without it, mentions are found in the text.',
  );

interface TextOrDocuments {
  readonly text?: string | undefined;
  readonly mentions?: unknown;
  readonly documents?: readonly { readonly id: string }[] | undefined;
}

export const annotateRequest = z
  .object({
    text: text.optional(),
    mentions,
    documents: z
      .array(document)
      .optional()
      .describe(
        'Instead of `text`: several texts with ids of your own, answered in the same order.',
      ),
    kb,
    options: annotateOptions.optional(),
  })
  .strict()
  .superRefine(eitherTextOrDocuments)
  .superRefine(distinctIds);

export const mentionsRequest = z
  .object({
    text,
    kb,
    options: z
      .object({ offsetUnit: offsetUnit.default('utf16') })
      .strict()
      .optional(),
  })
  .strict();

export const candidatesRequest = z
  .object({
    text,
    mentions,
    kb,
    options: z
      .object({
        offsetUnit: offsetUnit.default('utf16'),
        limit: z.int().min(1).max(100).default(100).describe('Most candidates a mention.'),
      })
      .strict()
      .optional(),
  })
  .strict();

export const feedbackRequest = z
  .object({
    text,
    mentions: z
      .array(
        givenMention.extend({
          entityId: z
            .string()
            .min(1)
            .max(512)
            .nullable()
            .describe('The entity that is meant; null: none of the knowledge base (NIL).'),
        }),
      )
      .describe('What is right: each mention with its entity.'),
    kb,
    id: z
      .string()
      .min(1)
      .max(512)
      .optional()
      .describe(
        'Yours, for this feedback: sent again under the same id, whatever it holds, it teaches nothing. ' +
          'Without it, text and mentions tell one feedback from another.',
      ),
    options: z
      .object({
        offsetUnit: offsetUnit.default('utf16'),
        partial: z
          .boolean()
          .default(true)
          .describe(
            'Whether the text may have mentions that are not given. false: names of the knowledge base that occur ' +
              'in it unmarked count as no mentions.',
          ),
      })
      .strict()
      .optional(),
  })
  .strict();

const wholeParameter = (least: number, most: number, fallback: number) => {
  const error = `expected a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, { error, abort: true })
    .transform(Number)
    .refine((value) => value >= least && value <= most, error)
    .default(fallback);
};

export const entityQuery = z.object({ kb }).strict();

export const entitiesQuery = z
  .object({
    q: z
      .string()
      .trim()
      .min(1)
      .max(1_000)
      .describe('Name, beginning of a name, or words of the description.'),
    kb,
    limit: wholeParameter(1, 100, 10).describe('Most entities in the answer, 1 to 100.'),
  })
  .strict();

export type AnnotateRequest = z.output<typeof annotateRequest>;
export type MentionsRequest = z.output<typeof mentionsRequest>;
export type CandidatesRequest = z.output<typeof candidatesRequest>;
export type FeedbackRequest = z.output<typeof feedbackRequest>;
export type EntityQuery = z.output<typeof entityQuery>;
export type EntitiesQuery = z.output<typeof entitiesQuery>;

function eitherTextOrDocuments(request: TextOrDocuments, context: z.RefinementCtx): void {
  const fault = (path: string, message: string) => {
    context.addIssue({ code: 'custom', path: [path], message });
  };
  const hasText = request.text !== undefined;
  const hasDocuments = request.documents !== undefined;
  if (!hasText && !hasDocuments) fault('text', 'give `text`, or `documents`');
  if (hasText && hasDocuments) fault('documents', 'give either `text` or `documents`, not both');
  if (!hasText && request.mentions !== undefined) {
    fault('mentions', 'goes with `text`; each of `documents` has its own `mentions`');
  }
}

function distinctIds({ documents = [] }: TextOrDocuments, context: z.RefinementCtx): void {
  const seen = new Set<string>();
  documents.forEach(({ id }, at) => {
    if (seen.has(id)) {
      context.addIssue({
        code: 'custom',
        path: ['documents', at, 'id'],
        message: 'an earlier document has the same id: give each its own',
      });
    }
    seen.add(id);
  });
}
