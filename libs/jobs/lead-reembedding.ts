import { setTimeout as sleep } from 'node:timers/promises';
import { ReferentError } from '../contract/errors.js';
import type { KbStore, Reembedding } from '../kb/kb-store.js';
import type { WorkQueue } from '../queue/work-queue.js';
import { ReembedMeter } from './reembed-meter.js';
import { ReembedWatch, runningIn } from './reembed-watch.js';

export interface LeadOptions {
  readonly queue: WorkQueue;
  readonly signal: AbortSignal;
}

/** Keys of one job, always the same ones: a process that takes over hands out the same pages. */
const PAGE_KEYS = 512;
/** While one is encoded the next is read; with more, a kill would lose more. */
const PAGES_AT_ONCE = 2;
const COUNTED_AT_ONCE = 10_000;
/** Where a sweep encoded fewer, the next would find what was written in the meantime, and the one after that again. */
const FEW = 256;
/** After a publication that came to nothing: an import runs, or entities were written. */
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 15_000;

/**
 * Leads a KB's re-embedding to its end: hands out pages until every entity has a vector, then the publication, and
 * goes round again where entities were written meanwhile. Does nothing where another process leads, and ends where it
 * is done, cancelled or stopped.
 */
export async function leadReembedding(store: KbStore, options: LeadOptions): Promise<void> {
  const leadership = await store.models.lead();
  if (leadership === null) return;
  try {
    const asked = runningIn(await store.models.state());
    if (asked !== null) await lead(store, asked, options);
  } finally {
    await leadership.release();
  }
}

async function lead(
  store: KbStore,
  asked: Reembedding,
  { queue, signal }: LeadOptions,
): Promise<void> {
  const watch = new ReembedWatch(store, asked.target, signal);
  try {
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      await new Round({ store, asked, queue, watch, signal }).run();
      const { published } = await queue.run(
        'publish',
        { kb: store.name },
        { lane: 'batch', signal },
      );
      if (published) return;
      await watch.check();
      await sleep(pauseMs, undefined, { signal });
      pauseMs = Math.min(LAST_PAUSE_MS, 2 * pauseMs);
    }
  } finally {
    watch.end();
  }
}

/** Somebody else may have embedded the same in the meantime; not again and again. */
const MAX_IDLE_SWEEPS = 5;

function workersElsewhere(kb: string): ReferentError {
  return new ReferentError(
    'store-invalid',
    `Pages of '${kb}' are done and its entities still have no vectors: do all workers use the same store as this process?`,
  );
}

interface RoundOptions extends LeadOptions {
  readonly store: KbStore;
  readonly asked: Reembedding;
  readonly watch: ReembedWatch;
}

/** Embeds all entities that have no vector, in pages, until there are few: the publication embeds what is written meanwhile. */
class Round {
  private readonly meter: ReembedMeter;
  private readonly pages = new Set<Promise<void>>();
  private failure: { readonly error: unknown } | undefined;
  private done = 0;
  private total = 0;

  constructor(private readonly options: RoundOptions) {
    this.meter = new ReembedMeter(options.store, options.asked.target);
  }

  async run(): Promise<void> {
    const { store } = this.options;
    this.total = (await store.info()).entities;
    const missing = await this.countMissing();
    this.done = Math.max(0, this.total - missing);
    if (missing > 0) this.meter.say('embed', this.done, this.total);
    try {
      for (let idle = 0; idle < MAX_IDLE_SWEEPS;) {
        const before = this.meter.encoded;
        if ((await this.sweep()) === 0) return;
        const encoded = this.meter.encoded - before;
        if (encoded > 0 && encoded < FEW) return;
        idle = this.meter.encoded > 0 ? 0 : idle + 1;
        await this.options.watch.check();
      }
      throw workersElsewhere(store.name);
    } finally {
      await Promise.all(this.pages);
      await this.meter.settled();
    }
  }

  /** Once over all keys; gives how many pages wanted something. */
  private async sweep(): Promise<number> {
    let pages = 0;
    for (let from = await this.nextPage(0); from !== null; from = await this.nextPage(from)) {
      while (this.pages.size >= PAGES_AT_ONCE) await Promise.race(this.pages);
      this.rethrow();
      await this.options.watch.check();
      this.handOut(from);
      pages += 1;
      from += PAGE_KEYS;
    }
    await Promise.all(this.pages);
    this.rethrow();
    return pages;
  }

  /** The key before the next page that wants something. */
  private async nextPage(afterKey: number): Promise<number | null> {
    const { store, asked } = this.options;
    const [key] = await store.vectors.entitiesWithout(asked.target, { afterKey, limit: 1 });
    return key === undefined ? null : Math.floor((key - 1) / PAGE_KEYS) * PAGE_KEYS;
  }

  private handOut(afterKey: number): void {
    const { store, asked, queue, signal } = this.options;
    const { model, target: version } = asked;
    const job = { kb: store.name, model, version, afterKey, throughKey: afterKey + PAGE_KEYS };
    const page: Promise<void> = queue
      .run('embed', job, { lane: 'batch', signal })
      .then(({ encoded }) => {
        this.done += encoded;
        this.meter.encoded += encoded;
        this.meter.say('embed', this.done, this.total);
      })
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => this.pages.delete(page));
    this.pages.add(page);
  }

  private async countMissing(): Promise<number> {
    const { store, asked } = this.options;
    let count = 0;
    let afterKey = 0;
    for (;;) {
      const page = { afterKey, limit: COUNTED_AT_ONCE };
      const keys = await store.vectors.entitiesWithout(asked.target, page);
      count += keys.length;
      if (keys.length < COUNTED_AT_ONCE) return count;
      afterKey = keys.at(-1) ?? afterKey;
    }
  }

  private rethrow(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
