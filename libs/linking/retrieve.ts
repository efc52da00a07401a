import type { Neighbours, VectorIndex } from '../index/vector-index.js';
import type { LexicalQuery } from '../kb/kb-store.js';
import type { Calibration } from '../model/manifest.js';
import type { Span } from '../text/span.js';
import { searchWords } from '../text/words.js';
import type { EncodedMentions } from './encode.js';
import { fuse, MAX_CANDIDATES } from './fuse.js';
import { knowledgeOf, namedEntities, nameForms, type NameSources } from './priors.js';
import type { RetrievedMention } from './stages.js';
import { Turn } from './turn.js';

const LEXICAL_HITS = 50;
/** Words either side of the mention that the lexical query sees, and the units of text they are taken from. */
const CONTEXT_WORDS = 12;
const CONTEXT_CHARS = 120;
/** Mentions whose names are looked up in one query. */
const BATCH = 32;

export interface RetrieveOptions extends NameSources {
  readonly index: VectorIndex;
  readonly calibration: Calibration;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Step 3: per mention at most 100 candidates: the 100 nearest vectors, the entities with that very name,
 * and BM25's 50 best, merged by the model's bonuses. One transformer vector a mention [M, D] comes in.
 */
export async function retrieve(
  text: string,
  encoded: EncodedMentions,
  options: RetrieveOptions,
): Promise<RetrievedMention[]> {
  const turn = new Turn(options.signal);
  const retrieved: RetrievedMention[] = [];
  for (let from = 0; from < encoded.mentions.length; from += BATCH) {
    const batch = encoded.mentions.slice(from, from + BATCH);
    const forms = new Set(batch.flatMap(({ surface }) => nameForms(surface)));
    const knowledge = await knowledgeOf([...forms], options);
    for (const mention of batch) {
      const query = rowOf(encoded.vectors, retrieved.length, options.index.dimensions);
      const lexical = await options.names.lexical(lexicalQuery(text, mention), LEXICAL_HITS);
      const { aliases, priorMentions } = namedEntities(mention.surface, knowledge);
      const found = {
        dense: nearest(query, options.index),
        aliases: aliases.slice(0, MAX_CANDIDATES),
        lexical,
        priorMentions,
      };
      const cosinesOf = (keys: readonly number[]) => options.index.cosines(query, keys);
      retrieved.push({ mention, candidates: fuse(found, options.calibration, cosinesOf) });
      await turn.pass();
    }
  }
  return retrieved;
}

/** Row `at` of [M, D], as a view. */
function rowOf(vectors: Float32Array, at: number, dimensions: number): Float32Array {
  return vectors.subarray(at * dimensions, (at + 1) * dimensions);
}

/** None for a row of zeros: a mention without a piece (a lone emoji joiner, say) has no direction. */
function nearest(query: Float32Array, index: VectorIndex): Neighbours {
  const none = { keys: [], cosines: new Float32Array(0) };
  if (index.size === 0 || query.every((value) => value === 0)) return none;
  return index.search(query, MAX_CANDIDATES)[0] ?? none;
}

export function lexicalQuery(text: string, { start, end }: Span): LexicalQuery {
  const left = searchWords(text.slice(Math.max(0, start - CONTEXT_CHARS), start));
  const right = searchWords(text.slice(end, end + CONTEXT_CHARS));
  return {
    mention: searchWords(text.slice(start, end)),
    context: [...left.slice(-CONTEXT_WORDS), ...right.slice(0, CONTEXT_WORDS)],
  };
}
