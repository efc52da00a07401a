import { expect, test } from '@jest/globals';
import { BatchQueue, type BatchStep } from './batch-queue.js';

const LIMITS = { inFlight: 2, requests: 3 };
const later = () => new Promise<void>((resolve) => setImmediate(resolve));

function* steps(name: string, count: number, log: string[]): Generator<BatchStep> {
  for (let i = 0; i < count; i++) {
    yield async () => {
      log.push(`${name}${i}`);
      await later();
    };
  }
}

test('requests take turns, so that a short one does not wait behind a long one', async () => {
  const queue = new BatchQueue(LIMITS);
  const log: string[] = [];
  await Promise.all([queue.run(steps('a', 6, log)), queue.run(steps('b', 2, log))]);
  expect(log.indexOf('b1')).toBeLessThan(log.indexOf('a4'));
  expect(log.length).toBe(8);
});

test('batches of the batch lane wait while an interactive request has any', async () => {
  const queue = new BatchQueue({ inFlight: 1, requests: 3 });
  const log: string[] = [];
  const batch = queue.run(steps('b', 4, log), 'batch');
  await later();
  const interactive = queue.run(steps('i', 3, log), 'interactive');
  await Promise.all([batch, interactive]);
  const [first, second, third] = ['i0', 'i1', 'i2'].map((step) => log.indexOf(step));
  expect(first).toBeGreaterThan(0);
  expect([second, third]).toEqual([(first ?? 0) + 1, (first ?? 0) + 2]);
  expect(log.slice(-1)).toEqual(['b3']);
});

test('a batch of the batch lane goes after eight interactive ones, however many wait', async () => {
  const queue = new BatchQueue({ inFlight: 1, requests: 3 });
  const log: string[] = [];
  const requests = [
    queue.run(steps('i', 30, log), 'interactive'),
    queue.run(steps('b', 2, log), 'batch'),
  ];
  await Promise.all(requests);
  const [first = 0, second = 0] = ['b0', 'b1'].map((step) => log.indexOf(step));
  expect(first).toBeLessThanOrEqual(9);
  expect(second - first).toBe(9);
});

test('no more batches are laid out than may be in flight', async () => {
  const queue = new BatchQueue(LIMITS);
  let laidOut = 0;
  let open = 0;
  function* counted(): Generator<BatchStep> {
    for (; laidOut < 10; laidOut++) {
      yield async () => {
        open++;
        expect(open).toBeLessThanOrEqual(LIMITS.inFlight);
        await later();
        open--;
      };
    }
  }
  const run = queue.run(counted());
  expect(laidOut).toBeLessThanOrEqual(LIMITS.inFlight);
  await run;
  expect(laidOut).toBe(10);
});

test('a request beyond the limit is refused as busy, and taken again later', async () => {
  const queue = new BatchQueue(LIMITS);
  const taken = ['a', 'b', 'c'].map((name) => queue.run(steps(name, 2, [])));
  await expect(queue.run(steps('d', 1, []))).rejects.toMatchObject({ code: 'busy' });
  await Promise.all(taken);
  await expect(queue.run(steps('d', 1, []))).resolves.toBeUndefined();
});

test.each([
  ['computing', () => Promise.reject(new Error('broken'))],
  [
    'layout',
    () => {
      throw new Error('broken');
    },
  ],
])('a failure in %s ends its request only, and frees its place', async (_, fail) => {
  const queue = new BatchQueue({ inFlight: 2, requests: 2 });
  const log: string[] = [];
  function* failing(): Generator<BatchStep> {
    yield fail;
    log.push('went on');
    yield* steps('never', 3, log);
  }
  const other = queue.run(steps('b', 3, log));
  await expect(queue.run(failing())).rejects.toThrow('broken');
  await other;
  await queue.run(steps('c', 1, log));
  await queue.run(steps('d', 1, log));
  expect(log.filter((entry) => /[bcd]/.test(entry)).length).toBe(5);
});

test('a request without steps is done at once', async () => {
  await expect(new BatchQueue(LIMITS).run(steps('a', 0, []))).resolves.toBeUndefined();
});
