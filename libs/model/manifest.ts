import { z } from 'zod';
import { NAME_MARKS } from './layout/name-marks.js';
import { SHAPES } from './layout/word-shapes.js';

const file = z.object({
  path: z.string().regex(/^[\w.-]+$/, 'a file name inside the model folder'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** P(first candidate is right) = sigmoid(score · s1 + margin · (s1 − s2) + bias), for the two best scores s1 and s2. */
const firstIsRight = z.object({ score: z.number(), margin: z.number(), bias: z.number() });

const count = z.int().min(1);

/** What a span's probability rests on beside its `base`; `libs/linking/span-probability.ts` says how each is made. */
export const SPAN_FEATURES = [
  'tagged',
  'inside',
  'rival',
  'words',
  'chars',
  'inLonger',
  'overlaps',
  'learned',
  'seen',
  'marked',
] as const;

const limits = z.object({
  /** Pieces of one window of text, without [CLS] and [SEP]. */
  windowPieces: count,
  /** Window k begins at piece k · windowStride. */
  windowStride: count,
  /** A mention whose middle is piece m goes to window floor((m − windowLead) / windowStride). */
  windowLead: count,
  entityIds: count,
  entityTitlePieces: count,
  /** Pieces of types and aliases where there is a description; without one they take all the room. */
  entityMiddlePieces: count,
  entityDescriptionChars: count,
  aliasesWithDescription: count,
  aliasesWithoutDescription: count,
  /** Ids of a pair's context: left, both markers, mention, right. */
  pairContextIds: count,
  pairMentionPieces: count,
});

const specialIds = z.object({
  pad: z.int(),
  unknown: z.int(),
  cls: z.int(),
  sep: z.int(),
  openMention: z.int(),
  closeMention: z.int(),
  /** Takes the place of an entity's inner [SEP]s in a pair. */
  semicolon: z.int(),
});

/** When the adaptive reranker asks the cross-encoder, and when it stops. */
const adaptive = z.object({
  /** A mention whose first candidate leads by at least this much in retrieval score is not reranked. */
  skipMargin: z.number().min(0),
  /** How many candidates each wave scores, best first; after the last wave the mention is done. */
  waves: z.array(count).min(1),
  /** No logit is expected above this: what an unscored candidate can still add. */
  logitBound: z.number(),
});

/** Finds mentions. Vectors and logits do not depend on it, so it is no part of `version`. */
const tagger = z.object({
  file,
  /** Pieces of one window, without [CLS] and [SEP]; window k begins at piece k · windowStride. */
  windowPieces: count,
  windowStride: count,
  /** Rows of its two tables, which must be what `layout/word-shapes.ts` and `layout/name-marks.ts` give. */
  shapes: z.literal(SHAPES),
  nameMarks: z.literal(NAME_MARKS),
  /** A mention may begin at a piece that begins one with at least this probability. */
  begin: z.number().min(0).max(1),
  /** It goes on while pieces are inside with at least the first of these; with the others it ends elsewhere. */
  inside: z.array(z.number().min(0).max(1)).min(1),
});

/** log(p / (1 − p)) of .9, .5 and .1: by hand, from dev documents of two worlds, without a tagger. */
const [OFTEN, EVEN, RARELY] = [2.197, 0, -2.197] as const;

/**
 * P(span is a mention) = sigmoid of the sum: one `base` and the weighted features of `span-probability.ts`.
 * Without a fit: a name of the KB .9, or .5 for a single lower-case word; what only `compromise` found .1.
 */
const span = z.object({
  /** For names of the KB by how they are written, and for what only tagger or `compromise` found. */
  base: z
    .object({
      phrase: z.number(),
      coded: z.number(),
      capitalised: z.number(),
      sentenceStart: z.number(),
      plain: z.number(),
      tagger: z.number(),
      compromise: z.number(),
    })
    .prefault({
      phrase: OFTEN,
      coded: OFTEN,
      capitalised: OFTEN,
      sentenceStart: OFTEN,
      plain: EVEN,
      tagger: EVEN,
      compromise: RARELY,
    }),
  weights: z.partialRecord(z.enum(SPAN_FEATURES), z.number()).prefault({}),
});

const calibration = z.object({
  /** Of the retrieval score (cosine plus bonuses), where nothing was reranked. */
  dual: z.object({ softmaxScale: z.number(), firstIsRight }),
  /** Of fused = logit + dualWeight · (retrieval score − offset). */
  fused: z.object({
    dualWeight: z.number(),
    offset: z.number(),
    softmaxScale: z.number(),
    firstIsRight,
  }),
  /** Retrieval score = cosine + alias (exact alias) + bm25 / (rank + bm25Offset) (BM25 hit of that rank, 0 best). */
  lexicalBonus: z.object({ alias: z.number(), bm25: z.number(), bm25Offset: z.number() }),
  /** Added to the retrieval score: weight · P(entity | surface), where the KB gives priors. */
  prior: z.object({ weight: z.number() }),
  adaptive: adaptive.prefault({ skipMargin: 0.1, waves: [4, 4, 8, 16, 32, 36], logitBound: 0 }),
  span: span.prefault({}),
  /** Below this confidence a mention is NIL, where the caller does not say otherwise. */
  nil: z.object({ threshold: z.number().min(0).max(1) }).prefault({ threshold: 0.3 }),
});

/** `manifest.json` of a model folder. */
export const modelManifest = z.object({
  format: z.literal(1),
  name: z.string().regex(/^[\w.-]+$/),
  /** Hash of everything that vectors and logits depend on: files, limits and ids (`contentVersion`). */
  version: z.string().min(8),
  dimensions: count,
  limits,
  ids: specialIds,
  files: z.object({
    vocabulary: file,
    trunk: file,
    mentionHead: file,
    entityHead: file,
    crossEncoder: file,
  }),
  tagger: tagger.optional(),
  calibration,
});

export type ModelManifest = z.output<typeof modelManifest>;
export type ModelLimits = ModelManifest['limits'];
export type SpecialIds = ModelManifest['ids'];
export type TaggerSettings = NonNullable<ModelManifest['tagger']>;
export type SpanFeature = (typeof SPAN_FEATURES)[number];
export type Calibration = ModelManifest['calibration'];
