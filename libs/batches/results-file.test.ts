import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ResultsFile } from './results-file.js';

describe('a file of results that a later run goes on with', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'referent-results-'));
    path = join(folder, 'links.jsonl');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const FIRST = '{"line":1,"id":"a","links":[]}\n';

  it.each([
    ['nothing of a line', ''],
    ['a bracket', '{'],
    ['half a result', '{"line":2,"id":"b","li'],
  ])('loses a torn last line: %s', async (_what, torn) => {
    writeFileSync(path, FIRST + torn);
    const file = await ResultsFile.open(path);
    await file.close();
    expect(file.last).toEqual({ line: 1, id: 'a' });
    expect(readFileSync(path, 'utf8')).toBe(FIRST);
  });

  it.each([
    ['a note without a newline', 'remember the milk'],
    ['minified JSON', '{"name":"referent","version":"1"}'],
    ['documents, the last line not ended', '{"id":"a","text":"x"}\n{"id":"b","text":"y"}'],
    ['results and then something else', `${FIRST}remember the milk`],
  ])('leaves another file as it is: %s', async (_what, text) => {
    writeFileSync(path, text);
    await expect(ResultsFile.open(path)).rejects.toMatchObject({ code: 'invalid-input' });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
});
