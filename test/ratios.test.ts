import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BOUNDS } from '../bench/ratios/bounds.js';

/** Other work on the machine may spoil a measurement, but hardly three; a cost that is there spoils all of them. */
const ATTEMPTS = 3;

interface RatioLine {
  readonly measure: string;
  readonly value: number;
}

async function measured(names: readonly string[]): Promise<RatioLine[]> {
  const args = ['dist/bench/ratios.bench.js', '--only', names.join(','), '--times', '1'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RatioLine);
}

describe('the benches in small', () => {
  it('are within the bounds of bench/ratios/bounds.ts', async () => {
    const values: Record<string, number[]> = {};
    let open: string[] = Object.keys(BOUNDS);
    for (let attempt = 0; attempt < ATTEMPTS && open.length > 0; attempt++) {
      for (const { measure, value } of await measured(open)) (values[measure] ??= []).push(value);
      open = open.filter((name) => !(Math.min(...(values[name] ?? [])) <= mostOf(name)));
    }
    const over = open.map((name) => ({ name, values: values[name], most: mostOf(name) }));
    expect(over).toEqual([]);
  }, 300_000);
});

function mostOf(name: string): number {
  return BOUNDS[name as keyof typeof BOUNDS].most;
}
