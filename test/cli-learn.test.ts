import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { HOMONYMS } from './support/homonyms.js';
import { ReferentProcess } from './support/referent-process.js';

jest.setTimeout(120_000);

let folder = '';
let referent: ReferentProcess;
const at = (name: string): string => join(folder, name);
const jsonLines = (values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('');

describe('learn', () => {
  const text = 'The swift messenger came late. The swift messenger slept.';
  const labelled = (entityId: string) => ({
    ...{ id: 'a', text },
    mentions: [4, 35].map((start) => ({ start, end: start + 15, entityId })),
  });
  const linked = async (...options: string[]): Promise<string> => {
    const about = 'We wait for the swift messenger.';
    const shown = ['--mentions', '16-31', '--candidates', '1', ...options];
    const { stdout } = await referent.run('annotate', about, '--kb', 'learning', ...shown);
    return stdout;
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'referent-cli-learn-'));
    referent = new ReferentProcess({ REFERENT_DATA_DIR: at('data'), CI: 'true' });
    await writeFile(at('kb.jsonl'), jsonLines(HOMONYMS));
    const { code, stderr } = await referent.run('import', at('kb.jsonl'), '--kb', 'learning');
    if (code !== 0) throw new Error(stderr);
    await writeFile(
      at('labelled.jsonl'),
      `${jsonLines([labelled('mercury-god')])}nonsense\n${jsonLines([labelled('zeus')])}`,
    );
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('changes the answer, reports what it left out, and forgets again', async () => {
    expect(await linked()).not.toContain('prior');
    const learned = await referent.run('learn', at('labelled.jsonl'), '--kb', 'learning');
    expect(learned.code).toBe(0);
    expect(learned.stdout).toMatch(
      /^KB learning: 2 texts learned, 2 mentions counted, 2 mentions left out, 1 lines left out/,
    );
    expect(learned.stderr).toMatch(/labelled\.jsonl, line 2, left out: not JSON/);
    expect(learned.stderr).toMatch(/line 3, left out: mention 4-19 is of "zeus"/);
    expect(await linked()).toMatch(/mercury-god.*prior 0\.67/);
    expect(await linked('--no-priors')).not.toContain('prior');

    const again = await referent.run('learn', at('labelled.jsonl'), '--kb', 'learning', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ learned: 0, known: 2, mentions: 0 });
    const forgotten = await referent.run('learn', '--kb', 'learning', '--forget');
    expect(forgotten.stdout).toMatch(/^KB learning: forgot 2 mentions in 2 texts/);
    expect(await linked()).not.toContain('prior');
  });

  it('stops at a bad line where it is strict', async () => {
    const { code, stdout, stderr } = await referent.run(
      ...['learn', at('labelled.jsonl'), '--kb', 'learning', '--strict'],
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/labelled\.jsonl, line 2: not JSON.*strict/);
  });

  it('says that there was nothing to learn', async () => {
    const { code, stderr } = await referent.runWith('{}\n', 'learn', '-', '--kb', 'learning');
    expect(code).toBe(2);
    expect(stderr).toMatch(/Nothing was learned from -: every line was left out \(1\)/);
  });
});
