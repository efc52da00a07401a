import { z } from 'zod';

const file = z.object({
  path: z.string().regex(/^[\w.-]+$/, 'a file name inside the model folder'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** P(first candidate is right) = sigmoid(score · s1 + margin · (s1 − s2) + bias), for the two best scores s1 and s2. */
const firstIsRight = z.object({ score: z.number(), margin: z.number(), bias: z.number() });

const count = z.int().min(1);

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

/** When the adaptive reranker asks the cross-encoder, and when it stops. */
const adaptive = z.object({
  /** A mention whose first candidate leads by at least this much in retrieval score is not reranked. */
  skipMargin: z.number().min(0),
  /** How many candidates each wave scores, best first; after the last wave the mention is done. */
  waves: z.array(count).min(1),
  /** No logit is expected above this: what an unscored candidate can still add. */
  logitBound: z.number(),
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
  calibration,
});

export type ModelManifest = z.output<typeof modelManifest>;
export type ModelLimits = ModelManifest['limits'];
export type SpecialIds = ModelManifest['ids'];
export type Calibration = ModelManifest['calibration'];
