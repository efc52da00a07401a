import type { ModelLimits, SpecialIds } from '../manifest.js';
import type { EntityIds } from './entity-layout.js';
import type { PieceRange } from './piece-range.js';

/** The pieces of a pair's context: left `[left, first)`, mention `[first, end)`, right `[end, right)`. */
interface Context extends PieceRange {
  readonly left: number;
  readonly right: number;
}

/** A mention in its context, ready to be paired with entities. */
export interface MentionContext {
  /** left [M] mention [/M] right. */
  readonly ids: Int32Array;
}

/** Both sides share the room around the mention; what one side leaves goes to the other. */
function contextOf(range: PieceRange, textPieces: number, limits: ModelLimits): Context {
  const { first } = range;
  const end = Math.min(range.end, first + limits.pairMentionPieces);
  const room = limits.pairContextIds - 2 - (end - first);
  const leftMost = Math.min(first, Math.floor(room / 2));
  const right = Math.min(textPieces - end, room - leftMost);
  const left = Math.min(first, room - right);
  return { first, end, left: first - left, right: end + right };
}

/** Model card, "Cross-encoder input": the part before the first [SEP]. */
export function layContext(
  pieceIds: Int32Array,
  range: PieceRange,
  { limits, ids: special }: { limits: ModelLimits; ids: SpecialIds },
): MentionContext {
  const { left, first, end, right } = contextOf(range, pieceIds.length, limits);
  return {
    ids: Int32Array.of(
      ...pieceIds.subarray(left, first),
      special.openMention,
      ...pieceIds.subarray(first, end),
      special.closeMention,
      ...pieceIds.subarray(end, right),
    ),
  };
}

/** Ids of a pair: `[CLS] context [SEP]` and the entity without its [CLS]. */
export function pairLength(context: MentionContext, entity: EntityIds): number {
  return context.ids.length + 2 + entity.ids.length - 1;
}

/** Writes a pair into a row of a padded batch and returns where its second segment begins. */
export function writePair(
  row: Int32Array,
  context: MentionContext,
  entity: EntityIds,
  special: SpecialIds,
): number {
  const second = context.ids.length + 2;
  row[0] = special.cls;
  row.set(context.ids, 1);
  row[second - 1] = special.sep;
  const last = entity.ids.length - 1;
  for (let i = 1; i < last; i++) {
    const id = entity.ids[i] ?? special.pad;
    row[second + i - 1] = id === special.sep ? special.semicolon : id;
  }
  row[second + last - 1] = special.sep;
  return second;
}
