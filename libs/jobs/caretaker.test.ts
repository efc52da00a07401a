import { afterEach, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../queue/testing/gate.js';
import { Caretaker } from './caretaker.js';

const told: string[] = [];
const log = { warn: () => undefined, error: (message: unknown) => told.push(String(message)) };
let caretaker: Caretaker | undefined;

afterEach(async () => {
  told.length = 0;
  await caretaker?.close();
});

test('what is registered is seen to at once, and again', async () => {
  let looks = 0;
  caretaker = new Caretaker(log, 10);
  caretaker.register('a', () => {
    looks += 1;
    return Promise.resolve();
  });
  caretaker.start();
  await until(() => looks > 2);
});

test('what fails is told of once, is seen to again, and keeps nothing else from being seen to', async () => {
  let failures = 0;
  let looks = 0;
  caretaker = new Caretaker(log, 10);
  caretaker.register('broken', () => {
    failures += 1;
    return Promise.reject(new Error('no Redis'));
  });
  caretaker.register('sound', () => {
    looks += 1;
    return Promise.resolve();
  });
  caretaker.start();
  await until(() => looks > 2);
  expect(failures).toBeGreaterThan(2);
  expect(told).toEqual(['Error: no Redis']);
});

test('closing waits for the look that is going on, and none follows', async () => {
  let looks = 0;
  let ended = 0;
  const closing = new Caretaker(log, 1);
  closing.register('slow', async () => {
    looks += 1;
    await sleep(50);
    ended += 1;
  });
  closing.start();
  await until(() => looks === 1);
  await closing.close();
  expect(ended).toBe(1);
  await sleep(30);
  expect(looks).toBe(1);
});

test('a name that is taken stops the start', () => {
  const twice = new Caretaker(log);
  twice.register('a', () => Promise.resolve());
  expect(() => {
    twice.register('a', () => Promise.resolve());
  }).toThrow("'a' is looked after already");
});
