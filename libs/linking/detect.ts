import type { Lane } from '../contract/jobs.js';
import type { LinkingModel } from '../model/linking-model.js';
import type { Span } from '../text/span.js';
import type { KnownName, KnownNames } from './gazetteer.js';
import { presentNames, type NamesNow } from './present-names.js';
import { properNamesInTurns } from './proper-names.js';
import { Tags } from './tags.js';
import { Turn } from './turn.js';
import type { FoundMention, MentionSource } from './stages.js';
import type { SurfaceForm } from './surface-form.js';

/** What detect asks of the model. */
export type Tagger = Pick<LinkingModel, 'manifest' | 'tokenizeInTurns' | 'tag'>;

export interface DetectOptions {
  readonly names: KnownNames;
  /** Where `names` may have some that are no more. */
  readonly now?: NamesNow | undefined;
  /** Without one, or where it has no tagger, mentions are names of the KB and what `compromise` finds. */
  readonly model?: Tagger | undefined;
  readonly lane?: Lane | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Step 1: text → spans that may be mentions, by place, the longer first: names of the KB (gazetteer), what the
 * tagger finds, and names that `compromise` sees outside of the KB's. How likely each is: `span-probability.ts`.
 * Overlapping ones are kept until decide.
 */
export async function detect(text: string, options: DetectOptions): Promise<FoundMention[]> {
  const turn = new Turn(options.signal);
  const known = await presentNames(text, { names: options.names, now: options.now, turn });
  // The tagger computes in a thread of its own; compromise reads meanwhile.
  const [tags, proper] = await Promise.all([
    tagsOf(text, known, options),
    properNamesInTurns(text, turn),
  ]);
  const tagged = tags?.tags.spans(tags.settings) ?? [];
  const found = [
    ...known.map((name) => foundMention(text, name, 'gazetteer', tags?.tags)),
    ...tagged.map((span) => foundMention(text, span, 'tagger', tags?.tags)),
    ...outsideOf(known, proper).map((span) => foundMention(text, span, 'compromise', tags?.tags)),
  ];
  return withoutRepeats(found);
}

async function tagsOf(text: string, names: readonly KnownName[], options: DetectOptions) {
  const { model, signal, lane } = options;
  const settings = model?.manifest.tagger;
  if (model === undefined || settings === undefined) return null;
  const pieces = await model.tokenizeInTurns(text);
  const probabilities = await model.tag({ text, pieces, names }, signal, lane);
  return probabilities && { tags: new Tags(text, pieces, probabilities), settings };
}

function foundMention(
  text: string,
  { start, end, form }: Span & { readonly form?: SurfaceForm },
  source: MentionSource,
  tags: Tags | undefined,
): FoundMention {
  const span = { start, end };
  return {
    ...span,
    surface: text.slice(start, end),
    source,
    form: form ?? null,
    tagProbability: tags?.exactly(span) ?? null,
    insideProbability: tags?.inside(span) ?? null,
    keyphraseness: null,
  };
}

/** The spans that no known name contains; both by place. */
function outsideOf(known: readonly Span[], spans: readonly Span[]): Span[] {
  let next = 0;
  let furthest = 0;
  return spans.filter((span) => {
    for (; (known[next]?.start ?? Infinity) <= span.start; next++) {
      furthest = Math.max(furthest, known[next]?.end ?? 0);
    }
    return furthest < span.end;
  });
}

/** By place, the longer first; of one span found twice the first stays. */
function withoutRepeats(found: readonly FoundMention[]): FoundMention[] {
  const kept = new Map<string, FoundMention>();
  for (const mention of found) {
    const place = `${mention.start}:${mention.end}`;
    if (!kept.has(place)) kept.set(place, mention);
  }
  return [...kept.values()].sort((a, b) => a.start - b.start || b.end - a.end);
}
