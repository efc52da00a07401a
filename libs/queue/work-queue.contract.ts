import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ReferentError } from '../contract/errors.js';
import type { JobPayload, QueueName } from '../contract/jobs.js';
import type { QueueLog } from './queue-log.js';
import type { SomeHandlers } from './registration.js';
import { DONE, Gate, until, type Annotate } from './testing/gate.js';
import type { WorkQueue } from './work-queue.js';

export interface Subject {
  readonly queue: WorkQueue;
  readonly close: () => Promise<void>;
}

export interface SubjectOptions {
  readonly handlers: SomeHandlers;
  readonly concurrency: Readonly<Record<QueueName, number>>;
  readonly maxWaiting: number;
  readonly log: QueueLog;
}

export type MakeSubject = (options: SubjectOptions) => Promise<Subject> | Subject;

const ONE_EACH = { rerank: 1, annotate: 1, embed: 1, publish: 1 };
const job = (from: number) => ({ batch: 'b', from, to: from + 1 });
const INTERACTIVE = { lane: 'interactive' } as const;

/** What every adapter of WorkQueue does. */
export function workQueueContract(name: string, make: MakeSubject): void {
  describe(name, () => {
    const made: Subject[] = [];
    const gates: Gate[] = [];
    let told: string[];

    beforeEach(() => {
      told = [];
    });

    afterEach(async () => {
      for (const gate of gates.splice(0)) gate.release();
      for (const subject of made.splice(0)) await subject.close();
    });

    async function queueOf(
      annotate: Annotate,
      options: Partial<SubjectOptions> = {},
    ): Promise<WorkQueue> {
      const note = (message: unknown) => told.push(String(message));
      const log = { warn: note, error: note };
      const handlers = { annotate };
      const subject = await make({
        handlers,
        concurrency: ONE_EACH,
        maxWaiting: 100,
        log,
        ...options,
      });
      made.push(subject);
      return subject.queue;
    }

    function gate(): Gate {
      const one = new Gate();
      gates.push(one);
      return one;
    }

    test('the result of the handler comes back, to the bit', async () => {
      const logits = [[-0.1, 1 / 3, null, 6.02e-23], []];
      const rerank = () => Promise.resolve({ logits, pairsScored: 4 });
      const queue = await queueOf(() => Promise.resolve(DONE), { handlers: { rerank } });
      const payload: JobPayload<'rerank'> = {
        kb: 'k',
        release: 'r',
        text: 't',
        mentions: [],
        mode: 'full',
        minConfidence: 0.5,
      };
      expect(await queue.run('rerank', payload, INTERACTIVE)).toEqual({ logits, pairsScored: 4 });
    });

    test('many results find those who wait for them', async () => {
      const handler: Annotate = ({ from }) => Promise.resolve({ done: from, failed: 0 });
      const queue = await queueOf(handler, { concurrency: { ...ONE_EACH, annotate: 8 } });
      const numbers = Array.from({ length: 60 }, (_, at) => at);
      const results = await Promise.all(
        numbers.map((from) => queue.run('annotate', job(from), INTERACTIVE)),
      );
      expect(results.map(({ done }) => done)).toEqual(numbers);
    });

    test('an error that cannot pass comes back at once with code and message', async () => {
      let attempts = 0;
      const queue = await queueOf(() => {
        attempts += 1;
        return Promise.reject(new ReferentError('model-mismatch', 'This worker has another: b.'));
      });
      await expect(queue.run('annotate', job(0), INTERACTIVE)).rejects.toMatchObject({
        name: 'ReferentError',
        code: 'model-mismatch',
        message: 'This worker has another: b.',
      });
      expect(attempts).toBe(1);
      await until(async () => (await countsOf(queue)).failed === 1);
    });

    test.each([
      ['not-ready', new ReferentError('not-ready', 'n')],
      ['busy', new ReferentError('busy', 'b')],
      ['queue-unavailable', new ReferentError('queue-unavailable', 'q')],
      ['disk-full', new ReferentError('disk-full', 'd')],
      ['not one of ours', new Error('connection lost')],
    ])('an error that may pass is tried again, later each time: %s', async (_, error) => {
      const atMs: number[] = [];
      const queue = await queueOf(() => {
        atMs.push(performance.now());
        return atMs.length < 3 ? Promise.reject(error) : Promise.resolve(DONE);
      });
      expect(await queue.run('annotate', job(0), INTERACTIVE)).toEqual(DONE);
      const [first = 0, second = 0, third = 0] = atMs;
      expect(second - first).toBeGreaterThan(90);
      expect(third - second).toBeGreaterThan(180);
    });

    test('what does not pass in three attempts is given back to who waits', async () => {
      let attempts = 0;
      const queue = await queueOf(() => {
        attempts += 1;
        return Promise.reject(new ReferentError('not-ready', 'Still opening.'));
      });
      await expect(queue.run('annotate', job(0), INTERACTIVE)).rejects.toMatchObject({
        code: 'not-ready',
        message: 'Still opening.',
      });
      expect(attempts).toBe(3);
    });

    test('a payload that is not of the shape is refused before anything is done', async () => {
      const held = gate();
      const queue = await queueOf(held.handler);
      const wrong = { batch: 'b', from: -1, to: 1 };
      const refused = { code: 'invalid-input' };
      await expect(queue.run('annotate', wrong, INTERACTIVE)).rejects.toMatchObject(refused);
      await expect(queue.add('annotate', wrong, { lane: 'batch', id: 'w' })).rejects.toMatchObject(
        refused,
      );
      expect(held.begun).toEqual([]);
    });

    test('a result that is not of the shape is an error that is not tried again', async () => {
      let attempts = 0;
      const queue = await queueOf(() => {
        attempts += 1;
        return Promise.resolve({ done: 'all' } as unknown as typeof DONE);
      });
      await expect(queue.run('annotate', job(0), INTERACTIVE)).rejects.toMatchObject({
        code: 'invalid-input',
      });
      expect(attempts).toBe(1);
    });

    test('no result within the deadline: deadline-exceeded, and the handler is told to stop', async () => {
      let stopped: AbortSignal | undefined;
      const queue = await queueOf(async (_, { signal }) => {
        stopped = signal;
        await until(() => signal.aborted);
        return DONE;
      });
      const since = performance.now();
      await expect(
        queue.run('annotate', job(0), { ...INTERACTIVE, deadlineMs: 300 }),
      ).rejects.toMatchObject({ code: 'deadline-exceeded' });
      expect(performance.now() - since).toBeLessThan(1_500);
      await until(() => stopped?.aborted === true);
    });

    test('a job that waits beyond its deadline is never computed', async () => {
      const held = gate();
      const queue = await queueOf(held.handler);
      const first = queue.run('annotate', job(0), INTERACTIVE);
      await until(() => held.begun.length === 1);
      const late = queue.run('annotate', job(1), { ...INTERACTIVE, deadlineMs: 100 });
      await expect(late).rejects.toMatchObject({ code: 'deadline-exceeded' });
      expect(await countsOf(queue)).toMatchObject({ workers: 1 });
      held.release();
      await first;
      await queue.run('annotate', job(2), INTERACTIVE);
      expect(held.begun).toEqual([0, 2]);
    });

    test('a caller who leaves gets its own reason, and its waiting job is never computed', async () => {
      const held = gate();
      const queue = await queueOf(held.handler);
      const first = queue.run('annotate', job(0), INTERACTIVE);
      await until(() => held.begun.length === 1);
      const controller = new AbortController();
      const { signal } = controller;
      const left = queue.run('annotate', job(1), { ...INTERACTIVE, deadlineMs: 10_000, signal });
      await until(async () => (await countsOf(queue)).waiting === 1);
      controller.abort(new Error('gone'));
      await expect(left).rejects.toThrow('gone');
      await until(async () => (await countsOf(queue)).waiting === 0);
      held.release();
      await first;
      await queue.run('annotate', job(2), INTERACTIVE);
      expect(held.begun).toEqual([0, 2]);
    });

    test('a caller who has left before is not served', async () => {
      const held = gate();
      const queue = await queueOf(held.handler);
      const signal = AbortSignal.abort(new Error('gone'));
      await expect(queue.run('annotate', job(0), { ...INTERACTIVE, signal })).rejects.toThrow(
        'gone',
      );
      expect(await countsOf(queue)).toMatchObject({ waiting: 0, active: 0 });
    });

    test('interactive jobs go before batch jobs, each lane in its order', async () => {
      const held = gate();
      const queue = await queueOf(held.handler);
      await queue.add('annotate', job(0), { lane: 'batch', id: '0' });
      await until(() => held.begun.length === 1);
      await queue.add('annotate', job(1), { lane: 'batch', id: '1' });
      await queue.add('annotate', job(2), { lane: 'batch', id: '2' });
      await queue.add('annotate', job(3), { lane: 'interactive', id: '3' });
      await queue.add('annotate', job(4), { lane: 'interactive', id: '4' });
      held.release();
      await until(() => held.begun.length === 5);
      expect(held.begun).toEqual([0, 3, 4, 1, 2]);
    });

    test('no more jobs of a queue run at a time than are allowed', async () => {
      const held = gate();
      const queue = await queueOf(held.handler, { concurrency: { ...ONE_EACH, annotate: 2 } });
      for (const at of [0, 1, 2, 3]) {
        await queue.add('annotate', job(at), { lane: 'batch', id: String(at) });
      }
      await until(async () => (await countsOf(queue)).active === 2);
      expect(await countsOf(queue)).toMatchObject({ waiting: 2, active: 2, failed: 0 });
      expect(held.begun).toEqual([0, 1]);
    });

    test('a job of an id that waits or runs makes another needless; one that is done does not', async () => {
      const held = gate();
      const queue = await queueOf(held.handler);
      const add = (from: number, id: string) =>
        queue.add('annotate', job(from), { lane: 'batch', id });
      await add(0, 'a:1');
      await until(() => held.begun.length === 1);
      await add(1, 'a:1');
      await add(2, 'b');
      await add(3, 'b');
      held.release();
      await until(() => held.begun.length === 2);
      await until(async () => {
        const { waiting, active } = await countsOf(queue);
        return waiting + active === 0;
      });
      await add(4, 'a:1');
      await until(() => held.begun.length === 3);
      expect(held.begun).toEqual([0, 2, 4]);
    });

    test('a job of an id that has failed for good can be added again', async () => {
      const begun: number[] = [];
      const queue = await queueOf(({ from }) => {
        begun.push(from);
        return Promise.reject(new ReferentError('kb-not-found', 'gone'));
      });
      await queue.add('annotate', job(0), { lane: 'batch', id: 'a' });
      await until(async () => (await countsOf(queue)).failed === 1);
      await queue.add('annotate', job(1), { lane: 'batch', id: 'a' });
      await until(async () => (await countsOf(queue)).failed === 2);
      expect(begun).toEqual([0, 1]);
      expect(told.join('\n')).toContain('gone');
    });

    test('a full queue is busy, and takes jobs again when it has room', async () => {
      const held = gate();
      const queue = await queueOf(held.handler, { maxWaiting: 2 });
      const add = (from: number) =>
        queue.add('annotate', job(from), { lane: 'batch', id: String(from) });
      await add(0);
      await until(() => held.begun.length === 1);
      await add(1);
      await add(2);
      await expect(add(3)).rejects.toMatchObject({ code: 'busy' });
      await expect(queue.run('annotate', job(3), INTERACTIVE)).rejects.toMatchObject({
        code: 'busy',
      });
      held.release();
      await until(async () => (await countsOf(queue)).waiting === 0);
      await add(4);
      await until(() => held.begun.includes(4));
    });

    test('a handler is told the lane', async () => {
      const lanes: string[] = [];
      const queue = await queueOf((_, { lane }) => {
        lanes.push(lane);
        return Promise.resolve(DONE);
      });
      await queue.run('annotate', job(0), INTERACTIVE);
      await queue.run('annotate', job(1), { lane: 'batch' });
      expect(lanes).toEqual(['interactive', 'batch']);
    });

    test('closing lets nobody wait for ever', async () => {
      const queue = await queueOf(async (_, { signal }) => {
        await until(() => signal.aborted);
        throw signal.reason;
      });
      const waited = queue.run('annotate', job(0), INTERACTIVE).catch((error: unknown) => error);
      await until(async () => (await countsOf(queue)).active === 1);
      const subject = made.pop();
      await subject?.close();
      expect(await waited).toMatchObject({ code: 'not-ready' });
    });

    async function countsOf(queue: WorkQueue) {
      const counts = (await queue.counts()).find((each) => each.queue === 'annotate');
      if (counts === undefined) throw new Error('annotate is not counted');
      return counts;
    }
  });
}
