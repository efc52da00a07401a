import { describe, expect, it } from '@jest/globals';
import { duration, ProgressBar } from './progress.js';

function harness(isTTY: boolean): {
  written: string[];
  at: (ms: number) => void;
  bar: ProgressBar;
} {
  const written: string[] = [];
  let clock = 0;
  const stream = { isTTY, columns: 120, write: (text: string) => written.push(text) };
  const bar = new ProgressBar({ label: 'Importing', unit: 'entities', stream, now: () => clock });
  return { written, at: (ms) => void (clock = ms), bar };
}

describe('progress', () => {
  it('redraws one line on a terminal, with rate and time left', () => {
    const { written, at, bar } = harness(true);
    at(2_000);
    bar.update({ done: 500, total: 2_000 });
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(
      /^\r.*Importing █{6}░{18} 25 % 500 of 2,000 entities, 250\/s, 6 s left$/u,
    );
  });

  it('does not redraw more than ten times a second', () => {
    const { written, at, bar } = harness(true);
    for (let ms = 0; ms < 1_000; ms += 1) {
      at(ms);
      bar.update({ done: ms, total: 1_000 });
    }
    expect(written).toHaveLength(10);
  });

  it('writes whole lines, and few, where no terminal reads them', () => {
    const { written, at, bar } = harness(false);
    for (let ms = 0; ms <= 25_000; ms += 50) {
      at(ms);
      bar.update({ done: ms, total: null });
    }
    bar.finish({ done: 25_000, total: null });
    expect(written).toHaveLength(3);
    expect(written.at(-1)).toBe('Importing 25,000 entities, 1,000/s, 25 s\n');
  });

  it('cuts a line to the terminal, so that redrawing hits the same row', () => {
    const written: string[] = [];
    const stream = { isTTY: true, columns: 20, write: (text: string) => written.push(text) };
    new ProgressBar({ label: 'Importing', unit: 'entities', stream, now: () => 0 }).update({
      done: 1,
      total: 2,
    });
    expect(written[0]?.replace(/\r\u001b\[2K/u, '').length).toBeLessThan(20);
  });
});

describe('durations', () => {
  it('are written in the two largest units', () => {
    expect([8, 200, 7_500].map(duration)).toEqual(['8 s', '3 min 20 s', '2 h 5 min']);
  });
});
