import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { HOMONYMS } from './support/homonyms.js';
import { eventually, jobLines } from './support/jobs.js';
import { ReferentProcess } from './support/referent-process.js';
import { fillKbs } from './support/running-api.js';

jest.setTimeout(120_000);

const documents = Array.from({ length: 60 }, (_, at) => ({
  id: `d${at}`,
  text: `Mercury number ${at} is a planet and Java is an island.`,
}));

let folder: string;
let referent: ReferentProcess;
const at = (name: string) => join(folder, name);
const batch = (...args: readonly string[]) =>
  referent.run('annotate', '--batch', at('texts.jsonl'), '--kb', 'demo', ...args);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-cli-batch-'));
  referent = new ReferentProcess({ REFERENT_DATA_DIR: at('data'), REFERENT_THREADS: '1' });
  await fillKbs(at('data'), { demo: HOMONYMS });
  await writeFile(at('texts.jsonl'), jobLines(documents));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('annotate --batch', () => {
  let whole: string;
  beforeAll(async () => {
    whole = (await batch()).stdout;
  });

  it('prints a result a line in their order, with the links that --jsonl prints', async () => {
    const args = ['annotate', '--jsonl', '--file', at('texts.jsonl'), '--kb', 'demo'];
    const { stdout } = await referent.run(...args);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.slice(1));
    const numbered = lines.map((line, number) => `{"line":${number + 1},${line}\n`);
    expect(whole).toBe(numbered.join(''));
  });

  it('reads packed files and stdin', async () => {
    await writeFile(at('texts.jsonl.gz'), gzipSync(jobLines(documents.slice(0, 5))));
    const packed = ['annotate', '--batch', at('texts.jsonl.gz'), '--kb', 'demo'];
    const five = whole
      .split(/(?<=\n)/)
      .slice(0, 5)
      .join('');
    expect((await referent.run(...packed)).stdout).toBe(five);
    const piped = ['annotate', '--batch', '-', '--kb', 'demo'];
    const { stdout } = await referent.runWith(jobLines(documents.slice(0, 5)), ...piped);
    expect(stdout).toBe(five);
  });

  it('gives a line that is no document an error and goes on', async () => {
    const lines = `nonsense\n\n{"id": "a", "text": ""}\n`;
    const args = ['annotate', '--batch', '-', '--kb', 'demo'];
    const { code, stdout, stderr } = await referent.runWith(lines, ...args);
    expect(stdout).toMatch(
      /^\{"line":1,"id":null,"error":.*\n\{"line":3,"id":"a","links":\[\]\}\n$/,
    );
    expect(stderr).toMatch(/2 results, 1 of them with an error/);
    expect(code).toBe(0);
  });

  it('goes on after kill -9 with --out, as if nothing had happened', async () => {
    const out = at('killed.jsonl');
    for (const bytes of [1, 3_000, 6_000]) {
      const args = ['annotate', '--batch', at('texts.jsonl'), '--kb', 'demo', '--out', out];
      const { child, ended } = referent.start(...args);
      const isThere = () =>
        stat(out).then(
          ({ size }) => size > bytes,
          () => false,
        );
      await eventually(async () => child.exitCode !== null || (await isThere()));
      child.kill('SIGKILL');
      await ended;
    }
    const { code, stderr } = await batch('--out', out);
    expect([code, await readFile(out, 'utf8')]).toEqual([0, whole]);
    expect(stderr).toMatch(/Going on after line/);
  });

  it('cuts a torn last line off, and does nothing where all is done', async () => {
    const out = at('torn.jsonl');
    await writeFile(out, whole);
    await truncate(out, whole.length - 20);
    expect((await batch('--out', out)).code).toBe(0);
    expect(await readFile(out, 'utf8')).toBe(whole);
    expect((await batch('--out', out)).stderr).toMatch(/0 results after those of line 60/);
    expect(await readFile(out, 'utf8')).toBe(whole);
  });

  it('refuses a file of something else, and results of another input', async () => {
    const out = at('other.jsonl');
    await writeFile(out, '{"id":"a","links":[]}\n');
    const refused = await batch('--out', out);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/does not end with a result of a batch/);
    await appendFile(out, '{"line":7,"id":"zz","links":[]}\n');
    const other = await batch('--out', out);
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/results are of another input: their last is of line 7, id "zz"/);
  });

  it.each([
    [['--batch', '-', 'a text'], /--batch reads documents from its own file/],
    [['--batch', '-', '--json'], /--batch reads documents from its own file/],
    [['a text', '--out', 'x'], /--out goes with --batch/],
    [['--batch', 'no/such/file'], /cannot read no\/such\/file/],
    [['--batch', '/dev/null'], /no document in \/dev\/null/],
  ])('ends %j with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await referent.run('annotate', '--kb', 'demo', ...args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
  });
});
