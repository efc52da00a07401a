import type { CommitReport } from '../kb/kb-store.js';

/** A bad line, or a line worth a word. */
export interface ImportProblem {
  readonly kind: 'bad-line' | 'duplicate-id' | 'unknown-field';
  readonly source: string;
  readonly line: number;
  readonly reason: string;
}

export interface ImportReport extends CommitReport {
  /** Good records read. */
  readonly records: number;
  /** Vectors made; the other entities had theirs. */
  readonly encoded: number;
  readonly badLines: number;
  readonly duplicates: number;
  /** The first problems; `onProblem` heard of all. */
  readonly problems: readonly ImportProblem[];
  /** Whether an index snapshot was built. */
  readonly indexed: boolean;
  readonly seconds: { readonly read: number; readonly index: number; readonly commit: number };
}

const KEPT = 100;

/** Counts problems, keeps the first and passes all on. */
export class ProblemLog {
  badLines = 0;
  duplicates = 0;
  readonly first: ImportProblem[] = [];

  constructor(private readonly onProblem: (problem: ImportProblem) => void) {}

  add(problem: ImportProblem): void {
    if (problem.kind === 'bad-line') this.badLines++;
    if (problem.kind === 'duplicate-id') this.duplicates++;
    if (this.first.length < KEPT) this.first.push(problem);
    this.onProblem(problem);
  }
}
