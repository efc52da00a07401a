import type { KbStore, LearnedTotals } from '../kb/kb-store.js';
import type { KnownNames } from '../linking/gazetteer.js';
import { dropIndexesAhead, withoutDeadIndex, type IndexedKb } from './dead-index.js';
import {
  countLesson,
  lessonName,
  type CountedLesson,
  type LeftOut,
  type Lesson,
} from '../linking/lessons.js';

export interface LearnTarget extends IndexedKb {
  /**
   * The KB's names: their occurrences that are not marked count as seen. null for texts in which not every mention is
   * marked.
   */
  readonly names: KnownNames | null;
}

export interface LessonOutcome {
  /** false: it was learned before, and taught nothing now. */
  readonly isLearned: boolean;
  /** Mentions that count from now on. */
  readonly mentions: number;
  readonly leftOut: readonly LeftOut[];
}

export interface PageOutcome {
  /** One a lesson, in their order. */
  readonly outcomes: readonly LessonOutcome[];
  /** The KB's, when it was done. */
  readonly sequence: number;
}

const KNOWN: LessonOutcome = { isLearned: false, mentions: 0, leftOut: [] };

/** Learns labelled texts, all of them or none, and each once ever; `busy` while an import runs. */
export async function learnPage(
  lessons: readonly Lesson[],
  { names, ...kb }: LearnTarget,
): Promise<PageOutcome> {
  const { store } = kb;
  const known = await store.learned.known(lessons.map(({ hash }) => hash));
  const fresh = lessons.filter(({ hash }) => !known.has(hash));
  if (fresh.length === 0) {
    return { outcomes: lessons.map(() => KNOWN), sequence: (await store.info()).sequence };
  }
  const keys = await keysFor(fresh, store);
  const vocabulary = names === null ? null : withNamesOf(fresh, names);
  const counted: CountedLesson[] = [];
  for (const lesson of fresh) counted.push(await countLesson(lesson, { keys, names: vocabulary }));
  const documents = counted.map(({ document }) => document);
  const { learned, sequence } = await store.learned.learn(documents, withoutDeadIndex(kb));
  const outcomes = new Map(
    fresh.map((lesson, at) => [lesson, outcomeOf(learned[at], counted[at])] as const),
  );
  return { outcomes: lessons.map((lesson) => outcomes.get(lesson) ?? KNOWN), sequence };
}

/** Forgets all that was learned, and gives what it was; `busy` while an import runs. */
export async function forgetLearned(kb: IndexedKb): Promise<LearnedTotals> {
  await dropIndexesAhead(kb);
  return kb.store.learned.forget(withoutDeadIndex(kb));
}

function outcomeOf(
  isLearned: boolean | undefined,
  counted: CountedLesson | undefined,
): LessonOutcome {
  if (isLearned !== true || counted === undefined) return KNOWN;
  return { isLearned, mentions: counted.document.mentions.length, leftOut: counted.leftOut };
}

async function keysFor(lessons: readonly Lesson[], { entities }: KbStore) {
  const mentions = lessons.flatMap((lesson) => lesson.mentions);
  const ids = mentions.flatMap(({ entityId }) => (entityId === null ? [] : [entityId]));
  const found = await entities.byIds([...new Set(ids)]);
  return new Map(Array.from(found, ([id, { key }]) => [id, key]));
}

/** The KB's names and the surfaces that these texts mark: what is a name here and not yet in the KB is one too. */
function withNamesOf(lessons: readonly Lesson[], names: KnownNames): KnownNames {
  const marked = new Set(
    lessons.flatMap(({ text, mentions }) => mentions.map((mention) => lessonName(text, mention))),
  );
  return { has: (name) => names.has(name) || marked.has(name) };
}
