import { normaliseName } from '../../text/normalise.js';
import { firstCodePoints } from '../../text/offsets.js';
import type { WordPiece } from '../../text/wordpiece.js';
import type { EntityText } from '../entity-text.js';
import type { ModelLimits, SpecialIds } from '../manifest.js';
import { entityFeatures } from './sparse-features.js';

/** An entity as the encoders read it: `[CLS] title [SEP] middle [SEP] description [SEP]`. */
export interface EntityIds {
  readonly ids: Int32Array;
  readonly titlePieces: number;
  /** Sparse features, at most `sparseFeatures`. */
  readonly features: readonly number[];
}

/** Model card, "Entity text". Reads no more of long aliases and descriptions than fits. */
export class EntityLayout {
  constructor(
    private readonly tokenizer: WordPiece,
    private readonly limits: ModelLimits,
    private readonly special: SpecialIds,
  ) {}

  lay(entity: EntityText): EntityIds {
    const { limits, special, tokenizer } = this;
    const hasDescription = entity.description !== '';
    const title = tokenizer.tokenize(entity.title, limits.entityTitlePieces).ids;
    const room = limits.entityIds - 4 - title.length;
    const middleRoom = hasDescription ? limits.entityMiddlePieces : room;
    const middle = tokenizer.tokenize(this.middleText(entity), middleRoom).ids;
    const start = firstCodePoints(entity.description, limits.entityDescriptionChars);
    const description = tokenizer.tokenize(start, room - middle.length).ids;
    const ids = [special.cls, ...title, special.sep, ...middle, special.sep, ...description];
    return {
      ids: Int32Array.of(...ids, special.sep),
      titlePieces: title.length,
      features: entityFeatures(entity, limits),
    };
  }

  /** Types joined with commas, then the aliases, all joined with semicolons. */
  private middleText(entity: EntityText): string {
    const types = entity.types.length > 0 ? [entity.types.join(', ')] : [];
    return [...types, ...this.distinctAliases(entity)].join(' ; ');
  }

  /** The first few aliases that differ from the title and from each other in normal form. */
  private distinctAliases(entity: EntityText): string[] {
    const { aliasesWithDescription, aliasesWithoutDescription } = this.limits;
    const most = entity.description === '' ? aliasesWithoutDescription : aliasesWithDescription;
    const seen = new Set([normaliseName(entity.title)]);
    const distinct: string[] = [];
    for (const alias of entity.aliases) {
      if (distinct.length === most) break;
      const form = normaliseName(alias);
      if (!seen.has(form)) distinct.push(alias);
      seen.add(form);
    }
    return distinct;
  }
}
