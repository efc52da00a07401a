import { describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { BusyError, mapInOrder, WorkLine } from './work-line.js';

const never = new AbortController().signal;

/** Work that ends when told to. */
function task() {
  let end: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { done: () => done, end };
}

describe('WorkLine', () => {
  it('lets in as many requests as work and wait, and one more when one has left', () => {
    const line = new WorkLine({ concurrent: 1, waiting: 1 });
    const leave = line.enter();
    line.enter();
    expect(() => line.enter()).toThrow(BusyError);
    leave();
    leave();
    line.enter();
    expect(() => line.enter()).toThrow(BusyError);
  });

  it('says when to come again, in whole seconds from 1 to 60', () => {
    const line = new WorkLine({ concurrent: 1, waiting: 0 });
    line.enter();
    expect(() => line.enter()).toThrow(expect.objectContaining({ retryAfterSeconds: 1 }));
  });

  it('works on no more documents at a time than it may, first come, first served', async () => {
    const line = new WorkLine({ concurrent: 2, waiting: 9 });
    const tasks = [task(), task(), task(), task()];
    const started: number[] = [];
    const turns = tasks.map(({ done }, at) =>
      line.turn(never, () => {
        started.push(at);
        return done();
      }),
    );
    await setImmediate();
    expect(started).toEqual([0, 1]);
    tasks[1]?.end();
    await setImmediate();
    expect(started).toEqual([0, 1, 2]);
    for (const { end } of tasks) end();
    await Promise.all(turns);
    expect(started).toEqual([0, 1, 2, 3]);
  });

  it('gives the turn on when work fails', async () => {
    const line = new WorkLine({ concurrent: 1, waiting: 9 });
    await expect(line.turn(never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(line.turn(never, () => Promise.resolve('yes'))).resolves.toBe('yes');
  });

  it('lets who is gone leave the line, without ever doing the work', async () => {
    const line = new WorkLine({ concurrent: 1, waiting: 9 });
    const first = task();
    const turn = line.turn(never, first.done);
    const gone = new AbortController();
    let worked = false;
    const left = line.turn(gone.signal, () => {
      worked = true;
      return Promise.resolve();
    });
    gone.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    first.end();
    await turn;
    await expect(line.turn(never, () => Promise.resolve(1))).resolves.toBe(1);
    expect(worked).toBe(false);
  });

  it('refuses who was gone before', async () => {
    const line = new WorkLine({ concurrent: 1, waiting: 9 });
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(line.turn(gone, () => Promise.resolve())).rejects.toThrow('gone');
  });
});

describe('mapInOrder', () => {
  it('keeps the order whatever ends first, and the width', async () => {
    let working = 0;
    let most = 0;
    const results = await mapInOrder([3, 1, 2, 0], 2, async (turns) => {
      most = Math.max(most, ++working);
      for (let turn = 0; turn < turns; turn++) await setImmediate();
      working -= 1;
      return turns * 10;
    });
    expect(results).toEqual([30, 10, 20, 0]);
    expect(most).toBe(2);
  });

  it('begins nothing more after a failure', async () => {
    const begun: number[] = [];
    const work = async (item: number) => {
      begun.push(item);
      await setImmediate();
      if (item === 1) throw new Error('one');
    };
    await expect(mapInOrder([0, 1, 2, 3, 4, 5], 2, work)).rejects.toThrow('one');
    await setImmediate();
    expect(begun.length).toBeLessThanOrEqual(3);
  });
});
