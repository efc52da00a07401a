import { z } from 'zod';
import { NAME_MARKS } from './layout/name-marks.js';
import { SHAPES } from './layout/word-shapes.js';

const file = z.object({
  path: z.string().regex(/^[\w.-]+$/, 'a file name inside the model folder'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

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
  /** Features are numbers below this; 0 is none. */
  sparseBuckets: count,
  /** Of one entity or mention, at most. */
  sparseFeatures: count,
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

const weights = <Name extends string>(names: readonly Name[]) =>
  z.object(
    Object.fromEntries(names.map((name) => [name, z.number()])) as Record<Name, z.ZodNumber>,
  );

/** What is known of a candidate before it is read together with the mention (libs/linking/ranking.ts). */
const EVIDENCE_FEATURES = [
  'similarity',
  'exactTitle',
  'exactAlias',
  'bm25',
  'prior',
  'logPrior',
] as const;

/** What says that a mention's first candidate is right (libs/linking/confidence.ts). */
export const CONFIDENCE_FEATURES = [
  'bias',
  'logOdds',
  'lead',
  'logit',
  'similarity',
  'exactTitle',
  'exactAlias',
  'bm25',
  'namesakes',
  'prior',
  'priorKnown',
  'priorMentions',
] as const;

const evidenceWeights = weights(EVIDENCE_FEATURES);
const confidenceWeights = weights(CONFIDENCE_FEATURES);

const ranking = z.object({
  /** A BM25 hit of rank r (0 best) counts 1 / (r + bm25Offset). */
  bm25Offset: z.number().min(1),
  /** The order of retrieval, in log-odds. */
  retrieval: evidenceWeights,
  /** The final order: these, and the cross-encoder's logit. */
  fused: evidenceWeights.extend({ logit: z.number() }),
  /** What "nothing fits" scores in either order. */
  nil: z.object({ retrieval: z.number(), fused: z.number() }),
});

/** When the adaptive reranker asks the cross-encoder, and when it stops. */
const adaptive = z.object({
  /** A mention whose first candidate has this probability already by retrieval is not reranked; above 1: all are. */
  skipProbability: z.number().min(0),
  /** How many candidates each wave scores, best first; after the last wave the mention is done. */
  waves: z.array(count).min(1),
  /** No logit is expected above this: what an unscored candidate can still add. */
  logitBound: z.number(),
  /** The usual logit of a candidate that was not worth scoring. */
  unreadLogit: z.number(),
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
  ranking,
  adaptive,
  /** P(first candidate is right), where the cross-encoder has read it and where it has not. */
  confidence: z.object({ reranked: confidenceWeights, retrieved: confidenceWeights }),
  span: span.prefault({}),
  /** Below this confidence a mention is NIL, where the caller does not say otherwise. */
  nil: z.object({
    /** For given mentions. */
    threshold: z.number().min(0).max(1),
    /** For detected ones, whose confidence is also that of their span. */
    detected: z.number().min(0).max(1),
  }),
  /** Of links at or above `threshold` at least this share was right on all dev splits; by precision, ascending. */
  precision: z
    .array(z.object({ precision: z.number().min(0).max(1), threshold: z.number().min(0).max(1) }))
    .min(1),
});

/** `manifest.json` of a model folder. */
export const modelManifest = z.object({
  format: z.literal(2),
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
export type EvidenceWeights = z.output<typeof evidenceWeights>;
export type ConfidenceWeights = z.output<typeof confidenceWeights>;
