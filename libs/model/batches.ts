import type { Pieces } from '../text/pieces.js';
import type { Span } from '../text/span.js';
import type { EntityBatch, MentionBatch, PairBatch, TagBatch } from './engine.js';
import type { EntityText } from './entity-text.js';
import type { EntityIds, EntityLayout } from './layout/entity-layout.js';
import { nameMarks } from './layout/name-marks.js';
import { packByLength } from './layout/packing.js';
import { padded } from './layout/padded.js';
import { layContext, pairLength, writePair, type MentionContext } from './layout/pair-layout.js';
import { piecesOf } from './layout/piece-range.js';
import { featureRows, mentionFeatures } from './layout/sparse-features.js';
import { tagWindows, type TagWindow } from './layout/tag-windows.js';
import { layWindows, writeWindow } from './layout/windows.js';
import { shapesOf } from './layout/word-shapes.js';
import type { ModelManifest, TaggerSettings } from './manifest.js';

/** A batch for the engine; `places[i]` is where answer i belongs in the request, -1 where it is not wanted. */
export interface PlacedBatch<Batch> {
  readonly batch: Batch;
  readonly places: readonly number[];
}

/** A mention of the text: `surface` is what stands at its span. */
export interface MentionSpan extends Span {
  readonly surface: string;
}

/** A mention of the text and an entity it may name, for the cross-encoder. */
export interface MentionPair {
  readonly span: Span;
  readonly entity: EntityText;
}

/**
 * Padded tokens of one batch. Measured on 2 cores, ms a pair of 110 ids: 7.6 (1 pair), 6.2 (4), 6.6 (8), 6.9 (16),
 * 7.8 (32), 8.7 (64): larger ones leave the cache, make others wait longer and quantise more coarsely.
 */
const BATCH_TOKENS = 1_024;
/** Items laid out and sorted by length at a time: enough to pad little, few enough to take only milliseconds. */
const CHUNK = 256;
const SPAN_CHUNK = 4_096;
const MENTIONS_PER_WINDOW = 128;

/** Batches of windows, each with all its mentions. Spans without a piece are in none. */
export function* mentionBatches(
  pieces: Pieces,
  spans: readonly MentionSpan[],
  manifest: ModelManifest,
): Generator<PlacedBatch<MentionBatch>> {
  const width = manifest.limits.sparseFeatures;
  for (const [from, chunk] of chunks(spans, SPAN_CHUNK)) {
    const ranges = chunk.map((span) => piecesOf(pieces, span));
    const windows = layWindows(ranges, pieces.ids.length, manifest.limits, MENTIONS_PER_WINDOW);
    for (const group of packByLength(windows, (window) => window.length, BATCH_TOKENS)) {
      const packed = group.map(({ item }) => item);
      const tokens = padded(
        packed,
        manifest.ids.pad,
        (window) => window.length,
        (row, window) => {
          writeWindow(row, window, pieces.ids, manifest);
        },
      );
      const mentions = packed.flatMap((window, row) => window.mentions.map((m) => ({ ...m, row })));
      yield {
        places: mentions.map((mention) => from + mention.index),
        batch: {
          ...tokens,
          rows: Int32Array.from(mentions, (mention) => mention.row),
          firsts: Int32Array.from(mentions, (mention) => mention.first),
          ends: Int32Array.from(mentions, (mention) => mention.end),
          features: featureRows(
            mentions.map(({ index }) => mentionFeatures(chunk[index]?.surface ?? '')),
            width,
          ),
        },
      };
    }
  }
}

export function* entityBatches(
  entities: readonly EntityText[],
  layout: EntityLayout,
  manifest: ModelManifest,
): Generator<PlacedBatch<EntityBatch>> {
  const lengthOf = (laid: EntityIds) => laid.ids.length;
  for (const [from, chunk] of chunks(entities, CHUNK)) {
    const laid = chunk.map((entity) => layout.lay(entity));
    for (const group of packByLength(laid, lengthOf, BATCH_TOKENS)) {
      const packed = group.map(({ item }) => item);
      const tokens = padded(packed, manifest.ids.pad, lengthOf, (row, { ids }) => {
        row.set(ids);
      });
      yield {
        places: group.map(({ index }) => from + index),
        batch: {
          ...tokens,
          titlePieces: Int32Array.from(packed, (item) => item.titlePieces),
          features: featureRows(
            packed.map((item) => item.features),
            manifest.limits.sparseFeatures,
          ),
        },
      };
    }
  }
}

interface LaidPair {
  readonly context: MentionContext;
  readonly entity: EntityIds;
}

export function* pairBatches(
  pieces: Pieces,
  pairs: readonly MentionPair[],
  layout: Pick<EntityLayout, 'lay'>,
  manifest: ModelManifest,
): Generator<PlacedBatch<PairBatch>> {
  const contextOf = memoised(
    ({ start, end }: Span) => `${start}:${end}`,
    (span) => layContext(pieces.ids, piecesOf(pieces, span), manifest),
  );
  const entityOf = memoised(
    (entity: EntityText) => entity,
    (entity) => layout.lay(entity),
  );
  const lengthOf = ({ context, entity }: LaidPair) => pairLength(context, entity);
  for (const [from, chunk] of chunks(pairs, CHUNK)) {
    const laid = chunk.map(({ span, entity }) => {
      return { context: contextOf(span), entity: entityOf(entity) };
    });
    for (const group of packByLength(laid, lengthOf, BATCH_TOKENS)) {
      const secondSegments: number[] = [];
      const packed = group.map(({ item }) => item);
      const tokens = padded(packed, manifest.ids.pad, lengthOf, (row, { context, entity }) => {
        secondSegments.push(writePair(row, context, entity, manifest.ids));
      });
      yield {
        places: group.map(({ index }) => from + index),
        batch: { ...tokens, secondSegments: Int32Array.from(secondSegments) },
      };
    }
  }
}

/** A text whose mentions are looked for, and the names of the KB that stand in it. */
export interface TextToTag {
  readonly text: string;
  readonly pieces: Pieces;
  readonly names: readonly Span[];
}

/** Batches of windows over the whole text; answers are by piece. */
export function* tagBatches(
  { text, pieces, names }: TextToTag,
  settings: TaggerSettings,
  { ids }: ModelManifest,
): Generator<PlacedBatch<TagBatch>> {
  const marks = nameMarks(pieces, names);
  const lengthOf = ({ from, to }: TagWindow) => to - from + 2;
  const windows = [...tagWindows(pieces.ids.length, settings)];
  for (const [, chunk] of chunks(windows, CHUNK)) {
    for (const group of packByLength(chunk, lengthOf, BATCH_TOKENS)) {
      const packed = group.map(({ item }) => item);
      const columnOf = (pad: number, write: (row: Int32Array, window: TagWindow) => void) =>
        padded(packed, pad, lengthOf, write);
      const tokens = columnOf(ids.pad, (row, { from, to }) => {
        row.set([ids.cls, ...pieces.ids.subarray(from, to), ids.sep]);
      });
      const shapes = columnOf(0, (row, { from, to }) => {
        row.set(shapesOf(text, pieces, from, to), 1);
      });
      const nameColumn = columnOf(0, (row, { from, to }) => {
        row.set(marks.subarray(from, to), 1);
      });
      const batch = { ...tokens, shapes: shapes.ids, names: nameColumn.ids };
      yield { batch, places: tagPlaces(packed, tokens.ids.length / packed.length) };
    }
  }
}

/** The piece that each of the [B, T] answers is about. */
function tagPlaces(windows: readonly TagWindow[], width: number): number[] {
  return windows.flatMap(({ from, keptFrom, keptTo }) =>
    Array.from({ length: width }, (_, column) => {
      const piece = from + column - 1;
      return piece >= keptFrom && piece < keptTo ? piece : -1;
    }),
  );
}

function* chunks<T>(items: readonly T[], size: number): Generator<[from: number, chunk: T[]]> {
  for (let from = 0; from < items.length; from += size) {
    yield [from, items.slice(from, from + size)];
  }
}

/** Pairs of one text repeat its mentions and their candidates; each is laid out once. */
function memoised<Item, Laid>(
  keyOf: (item: Item) => unknown,
  lay: (item: Item) => Laid,
): (item: Item) => Laid {
  const known = new Map<unknown, Laid>();
  return (item) => {
    const key = keyOf(item);
    const laid = known.get(key) ?? lay(item);
    known.set(key, laid);
    return laid;
  };
}
