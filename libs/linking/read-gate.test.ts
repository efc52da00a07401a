import { describe, expect, test } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { ReadGate } from './read-gate.js';

describe('ReadGate', () => {
  test('readers go together; a writer waits for them and goes before later readers', async () => {
    const gate = new ReadGate();
    const log: string[] = [];
    const reader = (name: string) =>
      gate.read(async () => {
        log.push(`${name} in`);
        await wait(10);
        log.push(`${name} out`);
      });
    const first = [reader('a'), reader('b')];
    const write = gate.write(() => log.push('write'));
    const later = reader('c');
    await Promise.all([...first, write, later]);
    expect(log).toEqual(['a in', 'b in', 'a out', 'b out', 'write', 'c in', 'c out']);
  });

  test('a failing reader or writer leaves the gate open', async () => {
    const gate = new ReadGate();
    await expect(gate.read(() => Promise.reject(new Error('reader')))).rejects.toThrow('reader');
    const failing = gate.write(() => {
      throw new Error('writer');
    });
    const reading = gate.read(() => Promise.resolve('read'));
    await expect(failing).rejects.toThrow('writer');
    expect(await reading).toBe('read');
  });

  test('writers follow one another', async () => {
    const gate = new ReadGate();
    const log: number[] = [];
    await Promise.all([1, 2, 3].map((n) => gate.write(() => log.push(n))));
    expect(log).toEqual([1, 2, 3]);
  });
});
