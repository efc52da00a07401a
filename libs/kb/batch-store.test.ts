import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { annotateOptions } from '../contract/annotate.js';
import type { BatchEntry, BatchKey, BatchStore, PageRef } from './batch-store.js';
import { batchPlaces, type BatchPlace } from './testing/batch-places.js';

const HOUR_MS = 3_600_000;
const OPTIONS = annotateOptions.parse({ rerank: 'none' });
const VERSIONS = { model: 'm@1', kb: { name: 'demo', sequence: 3 }, index: 'x' };

const entry = (line: number): BatchEntry => ({
  line,
  document: { id: `d${line}`, text: `Text ${line} \u0000 with a NUL and half a pair \ud83d` },
});

/** Pages of two documents each. */
const pages = (count: number) =>
  Array.from({ length: count }, (_, at) => [entry(2 * at + 1), entry(2 * at + 2)]);

const resultsOf = ({ from, to }: PageRef) => {
  const lines = Array.from({ length: to - from }, (_, at) => `{"line":${from + at}}\n`);
  return { lines: lines.join(''), done: to - from, failed: 0, versions: VERSIONS };
};

describe.each(batchPlaces)('batches in %s', (_name, make) => {
  let place: BatchPlace;
  let store: BatchStore;
  let other: BatchStore;
  let clock: number;
  const now = () => clock;

  beforeEach(async () => {
    clock = Date.parse('2030-01-01T00:00:00Z');
    place = await make();
    [store, other] = await Promise.all([place.open(now), place.open(now)]);
  });
  afterEach(async () => {
    await Promise.all([store.close(), other.close()]);
    await place.remove();
  });

  async function stage(id: string, count = 3): Promise<void> {
    await store.intake.begin({ id, kb: 'demo', options: OPTIONS, owner: null });
    await store.intake.add(id, pages(count));
  }

  async function accepted(id = 'a', count = 3, key: BatchKey | null = null): Promise<string> {
    await stage(id, count);
    return (await store.intake.accept(id, key)).id;
  }

  const finishAll = async (id: string) => {
    for (const page of await store.work.hand(id, 1_000)) {
      await store.work.take(page);
      await store.work.finish(page, resultsOf(page));
    }
  };
  const linesOf = async (id: string, after = 0) =>
    (await store.results(id, after)).map(({ lines }) => lines).join('');

  it('shows a batch once it is accepted, to every process', async () => {
    await stage('a');
    await expect(other.get('a')).rejects.toMatchObject({ code: 'job-not-found' });
    expect(await other.list({ limit: 9 })).toEqual([]);
    expect(await store.intake.accept('a', null)).toEqual({ status: 'accepted', id: 'a' });
    expect(await other.get('a')).toMatchObject({
      ...{ id: 'a', kb: 'demo', state: 'queued', total: 6, done: 0, failed: 0 },
      ...{ options: OPTIONS, versions: null, expiresAt: null, problem: null },
      createdAt: '2030-01-01T00:00:00.000Z',
    });
  });

  it('knows whose a batch is', async () => {
    await store.intake.begin({ id: 'a', kb: 'demo', options: OPTIONS, owner: '0badcafe' });
    await store.intake.add('a', pages(1));
    await store.intake.accept('a', null);
    await accepted('b');
    expect([(await other.get('a')).owner, (await other.get('b')).owner]).toEqual(['0badcafe', null]);
  });

  it('leaves nothing of a batch that is discarded', async () => {
    await stage('a');
    await store.intake.discard('a');
    expect(await store.list({ limit: 9 })).toEqual([]);
    await accepted('a', 1);
    expect(await store.get('a')).toMatchObject({ total: 2 });
  });

  it('gives documents back as they were', async () => {
    await accepted();
    const [page] = await store.work.hand('a', 1);
    expect(await store.work.take(page ?? fail())).toEqual({
      ...{ batch: 'a', from: 1, to: 3, kb: 'demo', options: OPTIONS, attempt: 1 },
      entries: [entry(1), entry(2)],
    });
    expect(await other.get('a')).toMatchObject({ state: 'running' });
  });

  describe('an idempotency key', () => {
    const key = { key: 'k', contentHash: 'h' };

    it('gives the same batch for the same content, and none for another', async () => {
      await accepted('a', 3, key);
      await stage('b');
      expect(await store.intake.accept('b', key)).toEqual({ status: 'same', id: 'a' });
      await stage('c');
      const another = { key: 'k', contentHash: 'i' };
      expect(await other.intake.accept('c', another)).toEqual({ status: 'other', id: 'a' });
      expect((await store.list({ limit: 9 })).map(({ id }) => id)).toEqual(['a']);
    });

    it('is given to one of several at the same time', async () => {
      const ids = ['a', 'b', 'c', 'd'];
      for (const id of ids) await stage(id, 1);
      const answers = await Promise.all(
        ids.map((id, at) => (at % 2 === 0 ? store : other).intake.accept(id, key)),
      );
      expect(answers.filter(({ status }) => status === 'accepted')).toHaveLength(1);
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
      expect(await store.list({ limit: 9 })).toHaveLength(1);
    });

    it('is free again when its batch has expired', async () => {
      await accepted('a', 1, key);
      await store.end('a', 'cancelled');
      clock += 25 * HOUR_MS;
      await store.sweep();
      expect(await accepted('b', 1, { key: 'k', contentHash: 'new' })).toBe('b');
    });
  });

  describe('pages', () => {
    it('are handed out up to the window, and further as results come', async () => {
      await accepted('a', 5);
      const first = await store.work.hand('a', 2);
      expect(first.map(({ from }) => from)).toEqual([1, 3]);
      expect(await other.work.hand('a', 2)).toEqual([]);
      expect(await store.work.finish(first[1] ?? fail(), resultsOf(first[1] ?? fail()))).toBe(true);
      expect((await other.work.hand('a', 2)).map(({ from }) => from)).toEqual([5]);
      expect((await store.work.outstanding('a')).map(({ from }) => from)).toEqual([1, 5]);
    });

    it('are each handed out once to all who ask at the same time', async () => {
      await accepted('a', 20);
      const handed = await Promise.all(
        [store, other, store, other].map((one) => one.work.hand('a', 20)),
      );
      const froms = handed.flat().map(({ from }) => from);
      expect(froms.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => 2 * at + 1));
    });

    it('are held by one process, until it has been silent for a while', async () => {
      await accepted();
      const [page = fail()] = await store.work.hand('a', 1);
      expect(await store.work.take(page)).toMatchObject({ attempt: 1 });
      expect(await other.work.take(page)).toBeNull();
      clock += 10_000;
      expect(await store.work.hold(page)).toBe(true);
      clock += 10_000;
      expect(await other.work.take(page)).toBeNull();
      clock += 10_000;
      expect(await other.work.take(page)).toMatchObject({ attempt: 2 });
      expect(await store.work.hold(page)).toBe(false);
    });

    it('are not held for ever by a clock that ran ahead', async () => {
      await accepted();
      const [page = fail()] = await store.work.hand('a', 1);
      clock += HOUR_MS;
      await store.work.take(page);
      clock -= HOUR_MS;
      expect(await other.work.take(page)).toMatchObject({ attempt: 2 });
    });

    it('that are let go can be taken at once, and the attempt does not count', async () => {
      await accepted();
      const [page = fail()] = await store.work.hand('a', 1);
      await store.work.take(page);
      await store.work.release(page);
      expect(await other.work.take(page)).toMatchObject({ attempt: 1 });
    });

    it('have their results once, however often they are delivered', async () => {
      await accepted();
      const [page = fail()] = await store.work.hand('a', 1);
      const finish = (one: BatchStore) => one.work.finish(page, resultsOf(page));
      const stored = await Promise.all([finish(store), finish(other), finish(store)]);
      expect(stored.filter(Boolean)).toHaveLength(1);
      expect(await store.get('a')).toMatchObject({ done: 2, failed: 0, versions: VERSIONS });
      expect(await store.work.take(page)).toBeNull();
    });

    it('make the batch done with the last of them, whoever finishes it', async () => {
      await accepted('a', 8);
      const handed = await store.work.hand('a', 8);
      clock += 1_000;
      await Promise.all(
        handed.map((page, at) => (at % 2 === 0 ? store : other).work.finish(page, resultsOf(page))),
      );
      expect(await store.get('a')).toMatchObject({
        ...{ state: 'done', total: 16, done: 16, failed: 0 },
        finishedAt: '2030-01-01T00:00:01.000Z',
        expiresAt: '2030-01-02T00:00:01.000Z',
      });
      expect(await store.list({ limit: 9, live: true })).toEqual([]);
    });
  });

  describe('the rate', () => {
    it('counts from the last pause on', async () => {
      await accepted('a', 3);
      const handed = await store.work.hand('a', 3);
      const work = async (page: PageRef) => {
        await store.work.take(page);
        clock += 1_000;
        await store.work.finish(page, resultsOf(page));
      };
      await work(handed[0] ?? fail());
      expect(await store.get('a')).toMatchObject({
        rateSince: '2030-01-01T00:00:00.000Z',
        rateFrom: 0,
      });
      clock += HOUR_MS;
      await work(handed[1] ?? fail());
      expect(await store.get('a')).toMatchObject({
        rateSince: '2030-01-01T01:00:02.000Z',
        rateFrom: 2,
      });
    });
  });

  describe('results', () => {
    it('are a prefix while the batch runs, and end before what is missing', async () => {
      await accepted('a', 4);
      const [one = fail(), two = fail(), three = fail()] = await store.work.hand('a', 4);
      await store.work.finish(one, resultsOf(one));
      await store.work.finish(three, resultsOf(three));
      expect(await linesOf('a')).toBe('{"line":1}\n{"line":2}\n');
      await store.work.finish(two, resultsOf(two));
      expect(await linesOf('a', 2)).toBe('{"line":3}\n{"line":4}\n{"line":5}\n{"line":6}\n');
    });

    it('begin with the page in which the next line is', async () => {
      await accepted('a', 4);
      await finishAll('a');
      expect(await linesOf('a', 3)).toBe(
        '{"line":3}\n{"line":4}\n{"line":5}\n{"line":6}\n{"line":7}\n{"line":8}\n',
      );
      expect(await linesOf('a', 8)).toBe('');
    });

    it('of a cancelled batch stay, and no more come', async () => {
      await accepted('a', 4);
      const [one = fail(), two = fail(), three = fail()] = await store.work.hand('a', 3);
      await store.work.finish(two, resultsOf(two));
      await store.work.take(three);
      await other.end('a', 'cancelled');
      expect(await store.work.hold(three)).toBe(false);
      expect(await store.work.finish(three, resultsOf(three))).toBe(false);
      expect(await store.work.take(one)).toBeNull();
      expect(await store.work.hand('a', 9)).toEqual([]);
      expect(await store.work.outstanding('a')).toEqual([]);
      expect(await linesOf('a')).toBe('{"line":3}\n{"line":4}\n');
      expect(await store.get('a')).toMatchObject({ state: 'cancelled', done: 2 });
    });
  });

  it('says why a batch failed as a whole, and does not end one that has ended', async () => {
    await accepted('a', 1);
    const problem = { code: 'kb-not-found', detail: 'gone' };
    await store.end('a', problem);
    await store.end('a', 'cancelled');
    expect(await store.get('a')).toMatchObject({ state: 'failed', problem });
  });

  describe('what is swept away', () => {
    it('is what has expired, which nobody sees from then on', async () => {
      await accepted('a', 200);
      await finishAll('a');
      clock += 24 * HOUR_MS - 1;
      await store.sweep();
      expect(await store.get('a')).toMatchObject({ state: 'done' });
      clock += 1;
      await expect(store.get('a')).rejects.toMatchObject({ code: 'job-not-found' });
      await store.sweep();
      clock -= HOUR_MS;
      await expect(store.results('a', 0)).rejects.toMatchObject({ code: 'job-not-found' });
      expect(await accepted('b', 1)).toBe('b');
    });

    it('is what a request left that died, but not one that is being sent', async () => {
      await stage('dead');
      clock += 9 * 60_000;
      await stage('slow');
      clock += 2 * 60_000;
      await other.sweep();
      expect(await store.intake.accept('slow', null)).toMatchObject({ status: 'accepted' });
      const code = 'deadline-exceeded';
      await expect(store.intake.accept('dead', null)).rejects.toMatchObject({ code });
      await expect(store.intake.add('dead', pages(1))).rejects.toMatchObject({ code });
      expect((await store.list({ limit: 9 })).map(({ id }) => id)).toEqual(['slow']);
    });
  });

  it('lists the newest first, and what is live by age', async () => {
    for (const id of ['a', 'b', 'c']) {
      clock += 1;
      await accepted(id, 1);
    }
    await finishAll('b');
    const ids = async (options: { limit: number; live?: boolean }) =>
      (await store.list(options)).map(({ id }) => id);
    expect(await ids({ limit: 2 })).toEqual(['c', 'b']);
    expect(await ids({ limit: 9, live: true })).toEqual(['a', 'c']);
  });
});

function fail(): never {
  throw new Error('there is no such page');
}
