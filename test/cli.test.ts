import { exec } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Evaluation } from '../libs/evaluation/evaluate.js';
import type { Prediction } from '../libs/evaluation/prediction.js';
import { HOMONYMS } from './support/homonyms.js';
import { ReferentProcess, until } from './support/referent-process.js';

jest.setTimeout(120_000);

const TEXT = 'Mercury is the planet nearest the Sun, and Java is an island.';

let folder = '';
let referent: ReferentProcess;
const at = (name: string): string => join(folder, name);
const jsonLines = (values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referent-cli-'));
  // CI=true makes some colour libraries believe in a terminal.
  referent = new ReferentProcess({ REFERENT_DATA_DIR: at('data'), PORT: '0', CI: 'true' });
  await writeFile(at('kb.jsonl.gz'), gzipSync(jsonLines(HOMONYMS)));
  const { code, stderr } = await referent.run('import', at('kb.jsonl.gz'), '--kb', 'small');
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('help and usage', () => {
  it('shows examples and exit codes, for all commands and for each', async () => {
    const { code, stdout } = await referent.run('--help');
    expect(code).toBe(0);
    for (const name of ['annotate', 'import', 'learn', 'kbs', 'evaluate', 'serve']) {
      expect(stdout).toContain(name);
      const one = await referent.run(name, '--help');
      expect(one.code).toBe(0);
      expect(one.stdout).toMatch(/Examples:[\s\S]*Exit codes:/);
    }
  });

  it.each([
    [['annotate', 'x', '--bogus'], /unknown option '--bogus'/],
    [['annotate', 'x', '--rerank', 'some'], /Allowed choices are adaptive, full, none/],
    [['annotate', 'x', '--mentions', '0:3'], /write spans as 0-7,12-16/],
    [['annotate', 'x', '--file', 'y'], /either a text or --file/],
    [['annotate', 'x', '--kb', 'nowhere'], /no knowledge base nowhere \(there are: small\)/],
    [['annotate', 'Java', '--mentions', '0-9'], /outside the text, which has 4 UTF-16 units/],
    [['annotate', '--file', 'no/such/file'], /Cannot read no\/such\/file/],
    [['import', 'no/such/file', '--kb', 'x'], /cannot read no\/such\/file/],
    [['evaluate', 'no/such/file', '--kb', 'small'], /no such file/],
    [['learn', 'no/such/file', '--kb', 'small'], /cannot read no\/such\/file/],
    [['learn', '--kb', 'small'], /Name the files to learn/],
    [['learn', 'x.jsonl', '--forget', '--kb', 'small'], /--forget .* name no files/],
    [['learn', '-', '--kb', 'nowhere'], /no knowledge base nowhere/],
    [['import', 'x.jsonl'], /required option '-k, --kb <name>'/],
  ])('ends %j with exit code 2 and one clear line', async (args, message) => {
    const { code, stdout, stderr } = await referent.run(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('shows the stack with --debug', async () => {
    const { stderr } = await referent.run('annotate', 'x', '--kb', 'nowhere', '--debug');
    expect(stderr).toMatch(/^\s+at /m);
  });
});

describe('import and kbs', () => {
  it('adds, changes and leaves alone, and reports bad lines by number', async () => {
    const [first, second] = HOMONYMS;
    const changed = { ...first, description: 'The innermost planet.' };
    const lines = `${JSON.stringify(changed)}\n{"id": 7}\n${JSON.stringify(second)}\n`;
    await writeFile(at('more.jsonl'), lines);
    await referent.run('import', at('kb.jsonl.gz'), '--kb', 'changing');
    const { code, stdout, stderr } = await referent.run(
      ...['import', at('more.jsonl'), '--kb', 'changing'],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/0 added, 1 changed, 1 unchanged, 1 lines left out/);
    expect(stderr).toMatch(/more\.jsonl, line 2, left out: /);
  });

  it('changes nothing where --strict meets a bad line', async () => {
    const { code, stderr } = await referent.runWith(
      `${JSON.stringify(HOMONYMS[0])}\nnonsense\n`,
      ...['import', '-', '--kb', 'strict', '--strict'],
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/line 2/);
    const { stdout } = await referent.run('kbs', '--json');
    const { kbs } = JSON.parse(stdout) as { kbs: { name: string; entities: number }[] };
    expect(kbs.find(({ name }) => name === 'strict')?.entities ?? 0).toBe(0);
  });

  it.each([
    [
      'bad.jsonl',
      'nonsense\nmore of it\n',
      2,
      /No entity was read from .*every line was left out \(2\)/,
    ],
    ['empty.jsonl', '', 2, /No entity was read from .*there is no record in it/],
    ['no-id.csv', 'name,description\nJava,An island\n', 2, /id/],
    ['cut.jsonl.gz', gzipSync(jsonLines(HOMONYMS)).subarray(0, 60), 1, /cut\.jsonl\.gz/],
  ] as const)('leaves no KB behind after %s', async (name, content, expected, message) => {
    await writeFile(at(name), content);
    const { code, stdout, stderr } = await referent.run('import', at(name), '--kb', 'ghost');
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stdout).toBe('');
    expect(code).toBe(expected);
    expect((await referent.run('kbs')).stdout).not.toContain('ghost');
    expect(existsSync(at('data/kbs/ghost'))).toBe(false);
  });

  it('says that a data folder cannot be one', async () => {
    const wrong = new ReferentProcess({ REFERENT_DATA_DIR: at('kb.jsonl.gz') });
    const { code, stderr } = await wrong.run('kbs');
    expect(stderr).toMatch(/data folder .*kb\.jsonl\.gz cannot be used .*REFERENT_DATA_DIR/);
    expect(stderr).not.toMatch(/--debug/);
    expect(code).toBe(1);
  });

  it('lists KBs', async () => {
    const { stdout } = await referent.run('kbs');
    expect(stdout).toMatch(/NAME +ENTITIES/);
    expect(stdout).toMatch(new RegExp(`small +${HOMONYMS.length} `));
  });

  it('stops at Ctrl-C with 130, and the same command then goes through', async () => {
    const { child, output, ended } = referent.start('import', '-', '--kb', 'stopped');
    child.stdin.write(jsonLines(HOMONYMS));
    await until(() => existsSync(at('data/kbs/stopped')));
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(stderr).toMatch(/Run the same command to go on/);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ code, stdout: output.stdout }).toEqual({ code: 130, stdout: '' });
    const again = await referent.run('import', at('kb.jsonl.gz'), '--kb', 'stopped');
    expect(again.stdout).toContain(`${HOMONYMS.length} added`);
  });
});

describe('annotate', () => {
  const small = ['--kb', 'small'];

  it('lays links out for people, without colours where no terminal reads them', async () => {
    const { code, stdout, stderr } = await referent.run('annotate', TEXT, ...small);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\[Mercury\] is the planet/);
    expect(stdout).toMatch(/Mercury +Mercury +mercury-planet +\d+ %/);
    expect(stdout).not.toContain('\u001b');
  });

  it('takes the same text from an argument, a file and stdin', async () => {
    await writeFile(at('letter.txt'), `\uFEFF${TEXT}`);
    const links = async (stdin: string, ...args: string[]): Promise<unknown> => {
      const { stdout } = await referent.runWith(stdin, 'annotate', ...args, '--json', ...small);
      return (JSON.parse(stdout) as { links: unknown[] }).links;
    };
    const fromText = await links('', TEXT);
    expect(JSON.stringify(fromText)).toContain('java-island');
    expect(await links('', '--file', at('letter.txt'))).toEqual(fromText);
    expect(await links('', at('letter.txt'))).toEqual(fromText);
    expect(await links(TEXT)).toEqual(fromText);
    expect(await links(TEXT, '-')).toEqual(fromText);
  });

  it('annotates documents line by line, and names a bad line', async () => {
    const documents = [
      { id: 'a', text: 'Java is an island.' },
      { id: 'b', text: 'A Python bit.', mentions: [{ start: 2, end: 8 }] },
    ];
    const { code, stdout, stderr } = await referent.runWith(
      `${jsonLines(documents)}{"id": "c"}\n`,
      ...['annotate', '--jsonl', ...small],
    );
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string });
    expect(answers.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/Line 3: text/);
  });

  it('is quiet when the reader goes away', async () => {
    const documents = Array.from({ length: 200 }, (_, at) => ({
      id: `d${at}`,
      text: 'Java '.repeat(9),
    }));
    await writeFile(at('many.jsonl'), jsonLines(documents));
    const command = `"${process.execPath}" bin/referent.mjs annotate --jsonl --rerank none --kb small "${at('many.jsonl')}" | head -n 1`;
    const environment = { ...process.env, REFERENT_DATA_DIR: at('data') };
    const { stdout, stderr } = await promisify(exec)(command, { env: environment });
    expect(stdout.split('\n')).toHaveLength(2);
    expect(stderr).toBe('');
  });
});

describe('serve', () => {
  it('answers as the command line does, byte for byte but for the times, and stops at Ctrl-C', async () => {
    const { child, output, ended } = referent.start('serve');
    const url = await until(() => /http:\/\/127\.0\.0\.1:\d+/.exec(output.stdout)?.[0]);
    const options = { rerank: 'full', candidates: 3, minConfidence: 0.2, includeNil: true };
    const response = await fetch(`${url}/v1/annotate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: TEXT, kb: 'small', options }),
    });
    const served = await response.text();
    const { stdout: printed } = await referent.run(
      ...['annotate', TEXT, '--kb', 'small', '--json', '--rerank', 'full'],
      ...['--candidates', '3', '--min-confidence', '0.2', '--nil'],
    );
    const withoutTimes = (json: string): string => json.trim().replace(/"timings":\{[^}]*\}/, '');
    expect(withoutTimes(printed)).toBe(withoutTimes(served));
    expect(withoutTimes(served)).toContain('"links":[{"start":0');
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
  });

  it('says what to do where the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await until(() => other.listening);
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await referent.run('serve', '--port', String(port));
    other.close();
    expect(stderr).toMatch(new RegExp(`Port ${port} is taken`));
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });
});

describe('evaluate', () => {
  const mention = (text: string, surface: string, entityId: string | null) => {
    const start = text.indexOf(surface);
    return { start, end: start + surface.length, text: surface, entityId };
  };
  const java = 'Java is an island of Indonesia on which Jakarta lies, and Atlantis is not.';
  const gold = [
    { id: 'a', text: TEXT, mentions: [mention(TEXT, 'Mercury', 'mercury-planet')] },
    {
      id: 'b',
      text: java,
      mentions: [mention(java, 'Java', 'java-island'), mention(java, 'Atlantis', null)],
    },
    { id: 'c', text: java, mentions: [mention(java, 'Java', 'not-in-the-kb')] },
  ];
  beforeAll(() => writeFile(at('gold.jsonl'), jsonLines(gold)));

  async function figures(...args: string[]): Promise<Evaluation> {
    const { code, stdout, stderr } = await referent.run(
      ...['evaluate', at('gold.jsonl'), '--kb', 'small', '--json', ...args],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toHaveLength(1);
    return JSON.parse(stdout) as Evaluation;
  }

  it('gives the same figures twice, times aside', async () => {
    const first = await figures();
    expect(first).toMatchObject({ mentions: 4, linkable: 2, nilGold: 1, unknownGold: 1 });
    expect(first.recall).toEqual({ 1: 1, 10: 1, 64: 1, 100: 1 });
    expect(first.accuracy).toBe(1);
    expect(Object.keys(first.millisecondsPerMention)).toEqual(
      expect.arrayContaining(['encode', 'retrieve', 'rerank']),
    );
    const second = await figures();
    expect({ ...second, millisecondsPerMention: null }).toEqual({
      ...first,
      millisecondsPerMention: null,
    });
  });

  it('draws a sample and writes predictions beside the gold', async () => {
    const path = at('predictions.jsonl');
    const sample = await figures('--limit', '2', '--seed', '3', '--predictions', path);
    expect(sample.mentions).toBe(2);
    expect(sample.settings).toMatchObject({ limit: 2, seed: 3, available: 4, drawn: 2 });
    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    const predictions = lines.map((line) => JSON.parse(line) as Prediction);
    expect(predictions).toHaveLength(2);
    for (const { verdict, candidates, context, surface } of predictions) {
      expect(verdict).toMatch(/^[a-z-]+$/);
      expect(candidates.length).toBeLessThanOrEqual(5);
      expect(context).toContain(`[${surface}]`);
    }
    await figures('--limit', '2', '--seed', '3', '--predictions', path, '--all-candidates', '1');
    for (const line of (await readFile(path, 'utf8')).trim().split('\n'))
      expect((JSON.parse(line) as Prediction).candidates.length).toBeLessThanOrEqual(1);
  });

  it('counts spans and links of detected mentions', async () => {
    const detected = await figures('--mentions', 'detected', '--rerank', 'none');
    expect(detected.pairsPerMention).toBe(0);
    expect(detected.detection?.recall).toBeGreaterThan(0.5);
    expect(detected.endToEnd).toEqual({
      precision: expect.any(Number),
      recall: 1,
      f1: expect.any(Number),
    });
  });
});
