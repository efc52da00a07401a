import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** One line of a bench, or what `npm run bench` wrote around them. */
export interface Line {
  readonly bench: string;
  readonly measure?: string;
  readonly [field: string]: unknown;
}

/** What one run of a bench left in its file. */
export interface BenchRun {
  /** `linking` of `linking.bench.jsonl`. */
  readonly name: string;
  readonly lines: readonly Line[];
}

/** None where there is no such folder. */
export async function readRuns(folder: string): Promise<BenchRun[]> {
  if (!existsSync(folder)) return [];
  const files = (await readdir(folder)).filter((file) => file.endsWith('.bench.jsonl')).sort();
  return Promise.all(files.map((file) => readRun(join(folder, file))));
}

async function readRun(path: string): Promise<BenchRun> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return {
    name: basename(path, '.bench.jsonl'),
    lines: lines.map((line) => JSON.parse(line) as Line),
  };
}

/** Lines of a run whose fields have these values, in the order printed. */
export function linesOf(runs: readonly BenchRun[], name: string, fields: object): readonly Line[] {
  const lines = runs.find((run) => run.name === name)?.lines ?? [];
  return lines.filter((line) =>
    Object.entries(fields).every(([field, value]) => line[field] === value),
  );
}

/** A field of a line by its path (`milliseconds.p50`) as text for a table; '–' where it is not there. */
export function cell(line: Line | undefined, path: string, digits?: number): string {
  const value = path
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], line);
  if (typeof value === 'string') return value;
  if (typeof value !== 'number') return '–';
  return value.toLocaleString('en-US', {
    maximumFractionDigits: digits ?? 3,
    minimumFractionDigits: digits ?? 0,
  });
}
