import { byRetrieval } from '../linking/fuse.js';
import type { Annotation } from '../linking/linker.js';
import type { Decision, RankedMention } from '../linking/stages.js';
import type { Span } from '../text/span.js';
import { matchKeys } from './metrics.js';
import type { DetectionOutcome, DocumentOutcome, GoldKind, MentionOutcome } from './outcome.js';

/** A gold mention with the key of its entity; null for NIL and for an id that the KB does not have. */
export interface GoldTarget extends Span {
  readonly entityId: string | null;
  readonly key: number | null;
}

/** What linking said about one document. */
export type LinkedDocument = Pick<Annotation, 'decisions' | 'ranked' | 'pairsScored' | 'timings'>;

/** Whose fault an error is, by the first step that went wrong. */
export type Verdict =
  | 'right'
  /** The gold entity is not among the candidates. */
  | 'not-retrieved'
  /** It is, but another one came first. */
  | 'ranked-below'
  /** It came first, but the decision was NIL. */
  | 'false-nil'
  /** The gold says NIL, the decision names an entity. */
  | 'false-link'
  /** The gold id is not in the KB. */
  | 'unknown-gold'
  /** Detected mentions: a gold span that the answer does not have. */
  | 'missed'
  /** Detected mentions: the answer has a span that overlaps the gold one. */
  | 'wrong-span'
  /** Detected mentions: a link where the gold has nothing. */
  | 'spurious';

/** A gold mention, a decision, or both where their spans agree. */
export interface Judged {
  readonly span: Span;
  readonly gold: GoldTarget | null;
  readonly decision: Decision | null;
  readonly verdict: Verdict;
}

export interface JudgedDocument {
  readonly outcome: DocumentOutcome;
  readonly judged: readonly Judged[];
}

export type MentionSource = 'given' | 'detected';

const spanKey = ({ start, end }: Span): string => `${start}-${end}`;
const overlap = (a: Span, b: Span): boolean => a.start < b.end && b.start < a.end;

const kindOf = ({ entityId, key }: GoldTarget): GoldKind => {
  if (entityId === null) return 'nil';
  return key === null ? 'unknown' : 'linkable';
};

/** Compares the answer for one document with its gold. */
export function judge(
  gold: readonly GoldTarget[],
  linked: LinkedDocument,
  source: MentionSource,
): JudgedDocument {
  const decisions = new Map(linked.decisions.map((each) => [spanKey(each.ranked.mention), each]));
  const pairs = gold.map((target) => ({ target, decision: decisions.get(spanKey(target)) }));
  const mentions = pairs.flatMap(({ target, decision }) =>
    decision === undefined ? [] : [mentionOutcome(target, decision)],
  );
  return {
    outcome: {
      mentions,
      linkedMentions: linked.ranked.length,
      pairsScored: linked.pairsScored,
      timings: linked.timings,
      detection: source === 'detected' ? detectionOutcome(gold, linked) : null,
    },
    judged: [
      ...pairs.map(({ target, decision }) => judged(target, decision, linked.decisions)),
      ...(source === 'detected' ? spurious(gold, linked.decisions) : []),
    ],
  };
}

function mentionOutcome(target: GoldTarget, decision: Decision): MentionOutcome {
  return {
    gold: kindOf(target),
    ...places(target, decision.ranked),
    decidedNil: decision.key === null,
    confidence: decision.confidence,
    pairsScored: decision.ranked.pairsScored,
  };
}

/** Where the gold entity stands in the retrieved list and in the reranked one. */
export function places(
  { key }: GoldTarget,
  { candidates }: RankedMention,
): { retrievedAt: number | null; rerankedAt: number | null } {
  const place = (list: RankedMention['candidates']): number | null => {
    const at = key === null ? -1 : list.findIndex((candidate) => candidate.key === key);
    return at < 0 ? null : at;
  };
  return { retrievedAt: place([...candidates].sort(byRetrieval)), rerankedAt: place(candidates) };
}

/**
 * Strong matching, micro over documents, as GERBIL counts: spans agree exactly, and for links the entity, too.
 * Links are counted InKB: only gold mentions whose entity is in the KB, only decisions that name an entity.
 */
function detectionOutcome(gold: readonly GoldTarget[], linked: LinkedDocument): DetectionOutcome {
  const links = linked.decisions.filter(({ key }) => key !== null);
  const spanOf = ({ ranked }: Decision): Span => ranked.mention;
  return {
    offered: matchKeys(
      linked.ranked.map(({ mention }) => spanKey(mention)),
      gold.map(spanKey),
    ),
    spans: matchKeys(
      links.map((link) => spanKey(spanOf(link))),
      gold.map(spanKey),
    ),
    links: matchKeys(
      links.map((link) => `${spanKey(spanOf(link))} ${link.key ?? ''}`),
      gold.filter(({ key }) => key !== null).map((each) => `${spanKey(each)} ${each.key ?? ''}`),
    ),
  };
}

function judged(
  target: GoldTarget,
  decision: Decision | undefined,
  all: readonly Decision[],
): Judged {
  const span = { start: target.start, end: target.end };
  if (decision !== undefined) {
    return { span, gold: target, decision, verdict: verdictOf(target, decision) };
  }
  return { span, gold: target, decision: null, verdict: verdictWithoutDecision(target, all) };
}

function verdictOf(target: GoldTarget, decision: Decision): Verdict {
  if (kindOf(target) === 'unknown') return 'unknown-gold';
  if (target.key === decision.key) return 'right';
  if (target.key === null) return 'false-link';
  const { rerankedAt } = places(target, decision.ranked);
  if (rerankedAt === null) return 'not-retrieved';
  return rerankedAt === 0 ? 'false-nil' : 'ranked-below';
}

/** Saying nothing is right where the gold says NIL. */
function verdictWithoutDecision(target: GoldTarget, all: readonly Decision[]): Verdict {
  const isCrossed = all.some(({ key, ranked }) => key !== null && overlap(ranked.mention, target));
  if (isCrossed) return 'wrong-span';
  const kind = kindOf(target);
  if (kind === 'unknown') return 'unknown-gold';
  return kind === 'nil' ? 'right' : 'missed';
}

/** Links that touch no gold mention; those that do are told with it. */
function spurious(gold: readonly GoldTarget[], decisions: readonly Decision[]): Judged[] {
  return decisions
    .filter(({ key, ranked }) => key !== null && !gold.some((g) => overlap(g, ranked.mention)))
    .map((decision) => ({
      span: { start: decision.ranked.mention.start, end: decision.ranked.mention.end },
      gold: null,
      decision,
      verdict: 'spurious' as const,
    }));
}
