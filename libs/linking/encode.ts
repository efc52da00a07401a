import type { Lane } from '../contract/jobs.js';
import type { LinkingModel } from '../model/linking-model.js';
import type { Pieces } from '../text/pieces.js';
import type { Mention } from './stages.js';

/** Mentions and their vectors: row i of `vectors` [M, D], L2-normalised, belongs to mention i. */
export interface EncodedMentions {
  readonly mentions: readonly Mention[];
  readonly pieces: Pieces;
  readonly vectors: Float32Array;
}

/** Step 2: one transformer pass a window of text for all its mentions. */
export async function encode(
  text: string,
  mentions: readonly Mention[],
  { model, lane }: { readonly model: LinkingModel; readonly lane: Lane },
): Promise<EncodedMentions> {
  const pieces = await model.tokenizeInTurns(mentions.length === 0 ? '' : text);
  if (mentions.length === 0) return { mentions, pieces, vectors: new Float32Array(0) };
  return { mentions, pieces, vectors: await model.encodeMentions(pieces, mentions, lane) };
}
