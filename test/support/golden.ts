import { readFileSync } from 'node:fs';
import type { EntityText } from '../../libs/model/entity-text.js';
import { modelManifest } from '../../libs/model/manifest.js';
import type { Span } from '../../libs/text/span.js';
import { parseVocabulary, WordPiece } from '../../libs/text/wordpiece.js';

/** The shipped model's golden inputs and outputs, written when it was exported. */
export interface Golden {
  readonly contexts: readonly {
    readonly text: string;
    readonly pieces: readonly number[];
    readonly mentions: readonly (Span & { firstPiece: number; endPiece: number })[];
    readonly windows: readonly {
      readonly input_ids: readonly number[];
      readonly mentions: readonly (Vectors & { mention: number; first: number; end: number })[];
    }[];
  }[];
  readonly entities: readonly (Vectors & {
    readonly entity: EntityText;
    readonly input_ids: readonly number[];
    readonly titlePieces: number;
  })[];
  readonly pairs: readonly {
    readonly context: number;
    readonly mention: number;
    readonly entity: number;
    readonly input_ids: readonly number[];
    readonly firstOfSecondSegment: number;
    readonly logit: number;
    readonly logitInt8: number;
  }[];
}

/** Unit vectors [384] of the fp32 model and of the shipped int8 graphs. */
interface Vectors {
  readonly vector: readonly number[];
  readonly vectorInt8: readonly number[];
}

/** Sentences of the demo as the tagger reads them, and its logits of O, B and I [N, 3] for their N pieces. */
export type GoldenTags = readonly {
  readonly text: string;
  readonly pieces: readonly number[];
  readonly shapes: readonly number[];
  readonly names: readonly number[];
  readonly logits: readonly (readonly number[])[];
  readonly logitsInt8: readonly (readonly number[])[];
}[];

export const MODEL_FOLDER = 'models/referent-v0';

const json = (file: string): unknown => JSON.parse(readFileSync(`${MODEL_FOLDER}/${file}`, 'utf8'));

export const golden = json('golden.json') as Golden;
export const goldenTags = json('golden-tagger.json') as GoldenTags;
export const shippedManifest = modelManifest.parse(json('manifest.json'));
export const shippedTokenizer = new WordPiece(
  parseVocabulary(readFileSync(`${MODEL_FOLDER}/vocab.txt`, 'utf8')),
);

/** An item that must be there. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no item ${index}`);
  return item;
}
