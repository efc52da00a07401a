import { hash } from 'node:crypto';
import { ENTITY_LIMITS } from '../contract/entity.js';
import type { LearnedDocument, SurfaceCount } from '../kb/kb-store.js';
import { normaliseName } from '../text/normalise.js';
import type { Span } from '../text/span.js';
import { gazetteerMentionsInTurns, type KnownNames } from './gazetteer.js';
import { Turn } from './turn.js';

export interface LessonMention extends Span {
  /** null: of no entity of the KB (NIL). */
  readonly entityId: string | null;
}

/** A labelled text to learn from; spans are checked. */
export interface Lesson {
  /** Hex SHA-256 that tells it from others: what was learned under it is not learned again. */
  readonly hash: string;
  readonly text: string;
  /** Each once, by place. */
  readonly mentions: readonly LessonMention[];
}

/** A mention that teaches nothing, and why, as the end of a sentence. */
export interface LeftOut {
  readonly mention: LessonMention;
  readonly reason: string;
}

export interface CountOptions {
  /** Keys of the entities by id; a mention of another entity is left out. */
  readonly keys: ReadonlyMap<string, number>;
  /** Names whose unmarked occurrences are counted; null for a text in which not every mention is marked. */
  readonly names: KnownNames | null;
}

/** A text is known by its content, or by an id of the writer's own where one is given. */
export function lessonOf(text: string, mentions: readonly LessonMention[], id?: string): Lesson {
  const spans = new Map(
    mentions.map(({ start, end, entityId }) => [
      JSON.stringify([start, end, entityId]),
      { start, end, entityId },
    ]),
  );
  const distinct = [...spans.values()].sort(
    (a, b) => a.start - b.start || a.end - b.end || compare(a.entityId, b.entityId),
  );
  const identity = id === undefined ? [text, distinct] : [id];
  return { hash: hash('sha256', JSON.stringify(identity), 'hex'), text, mentions: distinct };
}

function compare(a: string | null, b: string | null): number {
  return (a ?? '') < (b ?? '') ? -1 : 1;
}

/** The name that a mention's surface teaches; null where it can be none: nothing to read, or a whole paragraph. */
export function lessonName(text: string, { start, end }: Span): string | null {
  const name = normaliseName(text.slice(start, end));
  const isName =
    name !== '' && name.length <= ENTITY_LIMITS.aliasChars && !/[\0\p{Cs}]/u.test(name);
  return isName ? name : null;
}

export interface CountedLesson {
  readonly document: LearnedDocument;
  readonly leftOut: readonly LeftOut[];
}

/**
 * What a text teaches. Occurrences are those that the gazetteer finds; one that overlaps a mention without being it
 * ("New York Times" in the mention "The New York Times") says nothing of its surface and is not counted.
 */
export async function countLesson(
  lesson: Lesson,
  { keys, names }: CountOptions,
): Promise<CountedLesson> {
  const { hash, text, mentions } = lesson;
  const leftOut: LeftOut[] = [];
  const taught: { name: string; key: number | null }[] = [];
  for (const mention of mentions) {
    const name = lessonName(text, mention);
    const key = mention.entityId === null ? null : keys.get(mention.entityId);
    if (name !== null && key !== undefined) taught.push({ name, key });
    else leftOut.push({ mention, reason: name === null ? NO_NAME : unknownEntity(mention) });
  }
  const surfaces = new SurfaceCounts();
  countMarked(lesson, surfaces);
  if (names !== null) await countUnmarked(lesson, names, surfaces);
  return { document: { hash, mentions: taught, surfaces: surfaces.rows() }, leftOut };
}

const NO_NAME = 'reads like no name';

function unknownEntity({ entityId }: LessonMention): string {
  return `is of ${JSON.stringify(entityId)}, which the knowledge base does not have`;
}

/** Each span once: of which entity it is, or of several, makes no difference to whether it is a mention. */
function countMarked({ text, mentions }: Lesson, surfaces: SurfaceCounts): void {
  const spans = new Map(mentions.map((mention) => [`${mention.start}-${mention.end}`, mention]));
  for (const span of spans.values()) surfaces.add(lessonName(text, span), 1);
}

async function countUnmarked(
  { text, mentions }: Lesson,
  names: KnownNames,
  surfaces: SurfaceCounts,
): Promise<void> {
  const isMarked = new Uint8Array(text.length);
  for (const { start, end } of mentions) isMarked.fill(1, start, end);
  for (const found of await gazetteerMentionsInTurns(text, names, new Turn())) {
    if (isMarked.subarray(found.start, found.end).includes(1)) continue;
    surfaces.add(lessonName(text, found), 0);
  }
}

class SurfaceCounts {
  private readonly counts = new Map<string, SurfaceCount>();

  add(name: string | null, marked: 0 | 1): void {
    if (name === null) return;
    const before = this.counts.get(name) ?? { seen: 0, marked: 0 };
    this.counts.set(name, { seen: before.seen + 1, marked: before.marked + marked });
  }

  rows(): (SurfaceCount & { readonly name: string })[] {
    return Array.from(this.counts, ([name, count]) => ({ name, ...count }));
  }
}
