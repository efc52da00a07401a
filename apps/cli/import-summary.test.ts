import { describe, expect, it } from '@jest/globals';
import type { ImportProblem, ImportReport } from '../../libs/jobs/import-report.js';
import { importSummary, problemLines } from './import-summary.js';

const badLine = (line: number): ImportProblem => ({
  kind: 'bad-line',
  source: 'a.jsonl',
  line,
  reason: 'id is missing',
});

const report = (some: Partial<ImportReport>): ImportReport => ({
  added: 0,
  changed: 0,
  unchanged: 0,
  sequence: 1,
  records: 0,
  encoded: 0,
  badLines: 0,
  duplicates: 0,
  problems: [],
  indexed: true,
  seconds: { read: 60, index: 1, commit: 1 },
  ...some,
});

describe('the report of an import', () => {
  it('shows the first twenty problems and counts the others', () => {
    const problems = Array.from({ length: 100 }, (_, at) => badLine(at + 1));
    const lines = problemLines(report({ badLines: 2_345, problems }));
    expect(lines).toHaveLength(21);
    expect(lines[0]).toBe('a.jsonl, line 1, left out: id is missing');
    expect(lines[20]).toBe('… and 2,325 more.');
  });

  it('counts nothing where all were shown', () => {
    expect(problemLines(report({ badLines: 1, problems: [badLine(9)] }))).toHaveLength(1);
    expect(problemLines(report({}))).toEqual([]);
  });

  it('says what the KB has now', () => {
    const text = importSummary(report({ added: 1_200, badLines: 3, encoded: 1_100 }), 'mine');
    expect(text).toBe(
      'KB mine: 1,200 added, 0 changed, 0 unchanged, 3 lines left out (1,100 encoded, 1 min 2 s)\n',
    );
  });
});
