import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Evaluation } from '../../libs/evaluation/evaluate.js';
import { referent } from './referent.js';

export interface Kb {
  readonly name: string;
  /** The file that its entities come from. */
  readonly entities: string;
}

/** Labelled texts that a KB learns from. */
export interface Lessons {
  readonly file: string;
  readonly isPartial: boolean;
}

export interface Question {
  readonly kb: Kb;
  /** The gold file. */
  readonly file: string;
  /** Options of `referent evaluate`. */
  readonly args: readonly string[];
  /** What the KB has learned; undefined: nothing counts that it may have learned. */
  readonly lessons?: Lessons | undefined;
}

/**
 * Imports, learns and evaluates with our own command line, in a data folder of its own. What was done is kept by the
 * content of files, the model and the options, so that a stopped run goes on where it was.
 */
export class Workshop {
  constructor(
    readonly folder: string,
    private readonly modelDir: string,
    /** Evaluate again what was evaluated before: a change of code calls for it. */
    private readonly isFresh: boolean,
  ) {}

  async prepare(): Promise<void> {
    for (const name of ['results', 'samples']) {
      await mkdir(join(this.folder, name), { recursive: true });
    }
  }

  /** Where a file that is made from a world is kept. */
  sampleFile(name: string): string {
    return join(this.folder, 'samples', `${name}.jsonl`);
  }

  /** The import itself skips what is unchanged, but it has to read the file and start the model. */
  async import({ name, entities }: Kb): Promise<void> {
    const wanted = hashOf(await contentOf(entities), await this.modelVersion());
    await this.unlessStamped(name, 'imported', wanted, async () => {
      await this.run('import', entities, '--kb', name);
    });
  }

  /** A KB that learned something else forgets that first. */
  async learn({ name }: Kb, { file, isPartial }: Lessons): Promise<void> {
    const stamp = this.stampOf(name, 'learned');
    const wanted = hashOf(await contentOf(file), String(isPartial));
    const isStale = existsSync(stamp) && (await readFile(stamp, 'utf8')) !== wanted;
    if (isStale) {
      await rm(stamp);
      await this.run('learn', '--kb', name, '--forget');
    }
    await this.unlessStamped(name, 'learned', wanted, async () => {
      await this.run('learn', file, '--kb', name, ...(isPartial ? ['--partial'] : []));
    });
  }

  async entitiesIn(kb: Kb): Promise<number> {
    const { kbs } = JSON.parse(await this.run('kbs', '--json')) as {
      kbs: readonly { readonly name: string; readonly entities: number }[];
    };
    return kbs.find(({ name }) => name === kb.name)?.entities ?? 0;
  }

  async evaluate({ kb, file, args, lessons }: Question): Promise<Evaluation> {
    const inputs = [file, kb.entities, ...(lessons === undefined ? [] : [lessons.file])];
    const options = [...args, ...(lessons === undefined ? ['--no-priors'] : [])];
    const manifest = await readFile(join(this.modelDir, 'manifest.json'), 'utf8');
    const contents = await Promise.all(inputs.map(contentOf));
    const key = [...contents, manifest, ...options];
    return this.kept(kb.name, key, async () => {
      const output = await this.run('evaluate', file, '--kb', kb.name, '--json', ...options);
      return JSON.parse(output) as Evaluation;
    });
  }

  /** The result that was made before from the same inputs, else that of `make`. */
  async kept<T>(name: string, inputs: readonly string[], make: () => Promise<T>): Promise<T> {
    const hash = hashOf(...inputs).slice(0, 16);
    const file = join(this.folder, 'results', `${name}-${hash}.json`);
    if (!this.isFresh && existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as T;
    const result = await make();
    await writeFile(file, JSON.stringify(result));
    return result;
  }

  private async run(...args: readonly string[]): Promise<string> {
    const since = performance.now();
    process.stderr.write(`# referent ${args.join(' ')}\n`);
    const output = await referent(...args, '--data-dir', this.folder);
    process.stderr.write(`  ${Math.round((performance.now() - since) / 1_000)} s\n`);
    return output;
  }

  /** The stamp lies in the KB's folder: where the KB is dropped, the work is done again. */
  private async unlessStamped(
    kb: string,
    what: string,
    wanted: string,
    work: () => Promise<void>,
  ): Promise<void> {
    const stamp = this.stampOf(kb, what);
    if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === wanted) return;
    await work();
    await writeFile(stamp, wanted);
  }

  private stampOf(kb: string, what: string): string {
    return join(this.folder, 'kbs', kb, `.${what}-by-worlds`);
  }

  /** Vectors depend on this part of the manifest only. */
  private async modelVersion(): Promise<string> {
    const manifest = JSON.parse(await readFile(join(this.modelDir, 'manifest.json'), 'utf8')) as {
      version: string;
    };
    return manifest.version;
  }
}

export const contentOf = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

function hashOf(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}
