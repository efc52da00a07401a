import type {
  LearnedCount,
  LearnedSurface,
  LearnedTable,
  NameHit,
  NameTable,
} from '../kb/kb-store.js';
import { baseForms, normaliseName } from '../text/normalise.js';

/** How many labelled mentions a given prior weighs as much as (the pseudo-count of a Dirichlet prior). */
const GIVEN_WEIGHT = 1;

/** An entity that a surface names, with the best estimate of P(entity | surface); null where nothing is known. */
export interface AliasHit {
  readonly key: number;
  readonly isTitle: boolean;
  readonly prior: number | null;
}

/** What KB and labelled texts say of normalised names. */
export interface NameKnowledge {
  readonly hits: ReadonlyMap<string, readonly NameHit[]>;
  readonly surfaces: ReadonlyMap<string, LearnedSurface>;
}

export interface NamedEntities {
  readonly aliases: readonly AliasHit[];
  /** Labelled mentions of the surface, of whatever entity. */
  readonly priorMentions: number;
}

export interface NameSources {
  readonly names: NameTable;
  readonly learned: LearnedTable;
  /** false: nothing that was learned or given counts, for measuring. */
  readonly priors: boolean;
}

/** The forms under which a surface is looked up: its own, then its base forms. */
export function nameForms(surface: string): string[] {
  return baseForms(normaliseName(surface));
}

export async function knowledgeOf(
  forms: readonly string[],
  { names, learned, priors }: NameSources,
): Promise<NameKnowledge> {
  const hits = await names.exact(forms);
  if (priors) return { hits, surfaces: await learned.surfaces(forms) };
  return { hits: listedOnly(hits), surfaces: new Map() };
}

function listedOnly(hits: ReadonlyMap<string, readonly NameHit[]>): Map<string, NameHit[]> {
  return new Map(
    Array.from(hits, ([name, ofName]) => [
      name,
      ofName
        .filter(({ isListed }) => isListed)
        .map((hit) => ({ ...hit, prior: null, learned: null })),
    ]),
  );
}

/**
 * The entities that are listed under the very surface; where there are none, those listed under a base form of it, after
 * those that labelled texts call so. Each entity once.
 */
export function namedEntities(surface: string, { hits, surfaces }: NameKnowledge): NamedEntities {
  const [form = '', ...bases] = nameForms(surface);
  const own = hits.get(form) ?? [];
  const mentions = surfaces.get(form)?.mentions ?? 0;
  if (own.some(({ isListed }) => isListed))
    return { aliases: own.map(estimated), priorMentions: mentions };
  const ofBases = bases.flatMap((base) => hits.get(base) ?? []).map(estimated);
  if (mentions === 0) {
    const total = bases.reduce((sum, base) => sum + (surfaces.get(base)?.mentions ?? 0), 0);
    return { aliases: distinct(ofBases), priorMentions: total };
  }
  const never = { count: 0, total: mentions };
  const backedOff = ofBases.map(({ prior, ...hit }) => ({ ...hit, prior: estimate(prior, never) }));
  return { aliases: distinct([...own.map(estimated), ...backedOff]), priorMentions: mentions };
}

function estimated({ key, isTitle, prior, learned }: NameHit): AliasHit {
  return { key, isTitle, prior: estimate(prior, learned) };
}

/** (count + κ·p0) / (total + κ): the given prior p0 counts as κ mentions, and less the more was learned. */
function estimate(given: number | null, learned: LearnedCount | null): number | null {
  if (learned === null) return given;
  return (learned.count + GIVEN_WEIGHT * (given ?? 0)) / (learned.total + GIVEN_WEIGHT);
}

function distinct(hits: readonly AliasHit[]): AliasHit[] {
  const byKey = new Map<number, AliasHit>();
  for (const hit of hits) if (!byKey.has(hit.key)) byKey.set(hit.key, hit);
  return [...byKey.values()];
}
