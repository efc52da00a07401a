import { describe, expect, it } from '@jest/globals';
import type { LearningReport, LearnProblem } from '../../libs/jobs/learn-documents.js';
import { forgetSummary, learnProblemLines, learnSummary } from './learn-summary.js';

const totals = { documents: 1_700, mentions: 9_000, surfaces: 2_000 };
const report = (some: Partial<LearningReport>): LearningReport => ({
  ...{
    learned: 0,
    known: 0,
    mentions: 0,
    leftOut: 0,
    badLines: 0,
    problems: [],
    totals,
    seconds: 8,
  },
  ...some,
});

describe('the report of learning', () => {
  it('says what was learned now and in all', () => {
    expect(learnSummary(report({ learned: 1_200, mentions: 3_400 }), 'mine')).toBe(
      'KB mine: 1,200 texts learned, 3,400 mentions counted (8 s); in all 9,000 mentions in 1,700 texts, 2,000 surfaces\n',
    );
  });

  it('says what was known and what was left out, where anything was', () => {
    expect(learnSummary(report({ known: 2, leftOut: 3, badLines: 4 }), 'mine')).toMatch(
      /2 already learned, .*3 mentions left out, 4 lines left out/,
    );
  });

  it('shows the first twenty problems and counts the others', () => {
    const problems = Array.from({ length: 100 }, (_, at): LearnProblem => ({
      ...{ kind: 'bad-line', source: 'a.jsonl', line: at + 1, reason: 'not JSON' },
    }));
    const lines = learnProblemLines(report({ badLines: 110, leftOut: 11, problems }));
    expect(lines).toHaveLength(21);
    expect(lines[0]).toBe('a.jsonl, line 1, left out: not JSON');
    expect(lines[20]).toBe('… and 101 more.');
  });

  it('says what was forgotten', () => {
    expect(forgetSummary(totals, 'mine')).toMatch(/^KB mine: forgot 9,000 mentions in 1,700 texts/);
  });
});
