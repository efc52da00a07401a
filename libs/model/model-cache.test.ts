import { expect, test } from '@jest/globals';
import type { Lane } from '../contract/jobs.js';
import { ModelCache, type CallName } from './model-cache.js';

const key = (digest: string, name: CallName = 'pairs', lane: Lane = 'interactive') => ({
  name,
  digest,
  lane,
});

/** Answers of so many numbers, and how often they were computed. */
function counted(length = 1) {
  const done = { calls: 0 };
  const compute = () => {
    done.calls += 1;
    return Promise.resolve(new Float32Array(length).fill(done.calls));
  };
  return { done, compute };
}

test('what was computed is kept, by name and digest', async () => {
  const cache = new ModelCache(1e6);
  const { done, compute } = counted();
  const first = await cache.call(key('a'), compute);
  expect(await cache.call(key('a'), compute)).toBe(first);
  expect(done.calls).toBe(1);
  expect(await cache.call(key('b'), compute)).not.toEqual(first);
  expect(await cache.call(key('a', 'tag'), compute)).not.toEqual(first);
  expect(done.calls).toBe(3);
  expect(cache.state.hits).toEqual({ tag: 0, mentions: 0, pairs: 1, entity: 0 });
  expect(cache.state.misses).toEqual({ tag: 1, mentions: 0, pairs: 2, entity: 0 });
});

test('an entity is laid out once', () => {
  const cache = new ModelCache(1e6);
  const laid = { ids: Int32Array.of(1, 2), titlePieces: 1, features: [3] };
  const entityKey = { name: 'entity', digest: 'a', lane: 'interactive' } as const;
  expect(cache.entity(entityKey, () => laid)).toBe(laid);
  expect(cache.entity(entityKey, () => ({ ...laid }))).toBe(laid);
  expect(cache.state).toMatchObject({ hits: { entity: 1 }, misses: { entity: 1 } });
});

test('equal calls at the same time are one', async () => {
  const cache = new ModelCache(1e6);
  const { done, compute } = counted();
  const answers = await Promise.all([1, 2, 3].map(() => cache.call(key('a'), compute)));
  expect(new Set(answers).size).toBe(1);
  expect(done.calls).toBe(1);
  expect(cache.state).toMatchObject({ hits: { pairs: 2 }, misses: { pairs: 1 } });
});

test('a failed call fails who made it alone, and is not kept', async () => {
  const cache = new ModelCache(1e6);
  const { compute } = counted();
  const left = () => Promise.reject(new Error('left'));
  const [first, second] = await Promise.allSettled([
    cache.call(key('a'), left),
    cache.call(key('a'), compute),
  ]);
  expect(first.status).toBe('rejected');
  expect(second).toMatchObject({ status: 'fulfilled', value: Float32Array.of(1) });
});

test('the least recently used goes first, and the bytes stay below the limit', async () => {
  const cache = new ModelCache(100_000);
  for (let at = 0; at < 50; at++) {
    await cache.call(key(String(at)), counted(2_000).compute);
    await cache.call(key('0'), counted(2_000).compute);
    expect(cache.state.bytes).toBeLessThanOrEqual(100_000);
  }
  expect(cache.state.bytes).toBeGreaterThan(50_000);
  const kept = counted();
  await cache.call(key('0'), kept.compute);
  await cache.call(key('49'), kept.compute);
  expect(kept.done.calls).toBe(0);
  await cache.call(key('1'), kept.compute);
  expect(kept.done.calls).toBe(1);
});

test('what is larger than the room is computed each time', async () => {
  const cache = new ModelCache(1_000);
  const { done, compute } = counted(1_000);
  await cache.call(key('a'), compute);
  await cache.call(key('a'), compute);
  expect(done.calls).toBe(2);
  expect(cache.state.bytes).toBe(0);
});

test('the batch lane finds what the interactive one kept, and pushes nothing of it out', async () => {
  const cache = new ModelCache(100_000);
  const { done, compute } = counted(2_000);
  for (let at = 0; at < 8; at++) await cache.call(key(String(at)), compute);
  for (let at = 0; at < 100; at++) await cache.call(key(`job ${at}`, 'pairs', 'batch'), compute);
  expect(done.calls).toBe(108);
  for (let at = 0; at < 8; at++) await cache.call(key(String(at), 'pairs', 'batch'), compute);
  for (let at = 0; at < 8; at++) await cache.call(key(String(at)), compute);
  expect(done.calls).toBe(108);
});
