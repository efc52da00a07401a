import { ReferentError } from '../contract/errors.js';
import type { BatchStore, PageRef, TakenPage } from '../kb/batch-store.js';
import type { OpenKbs } from '../linking/open-kbs.js';
import { canPass } from '../queue/failure.js';
import type { Handlers } from '../queue/work-queue.js';
import { annotatePage } from './annotate-page.js';
import { canWait } from './feed.js';

export interface AnnotateHandlerOptions {
  readonly store: BatchStore;
  readonly kbs: OpenKbs;
  /** Called when a page is finished, so that the next is handed out. */
  readonly feed: (batch: string) => Promise<void>;
}

type AnnotateHandler = Handlers['annotate'];
const NOTHING = { done: 0, failed: 0 };
/** Then what nobody foresaw is taken for the document's own fault. A process that was killed counts as an attempt. */
const MAX_ATTEMPTS = 8;
const HOLD_EVERY_MS = 1_000;

/** Annotates a page of a batch and stores its results, once, however often it is killed or given the page. */
export function annotateHandler(options: AnnotateHandlerOptions): AnnotateHandler {
  return async (ref, { signal }) => {
    const page = await options.store.work.take(ref);
    const result = page === null ? NOTHING : await work(page, { ...options, signal });
    if (page !== null) await feedNext(ref, options);
    return result;
  };
}

interface Work extends AnnotateHandlerOptions {
  readonly signal: AbortSignal;
}

async function work(page: TakenPage, { store, kbs, signal }: Work) {
  const hold = new Hold(store, page, signal);
  try {
    const isLastAttempt = page.attempt >= MAX_ATTEMPTS;
    const { linker } = await kbs.get(page.kb);
    const results = await annotatePage(page, { linker, signal: hold.signal, isLastAttempt });
    const isStored = await store.work.finish(page, results);
    return isStored ? { done: results.done, failed: results.failed } : NOTHING;
  } catch (error) {
    return await unfinished(error, page, { store, signal: hold.signal });
  } finally {
    hold.end();
  }
}

/** What passes, and a process that ends, costs no attempt. */
async function unfinished(
  error: unknown,
  page: TakenPage,
  { store, signal }: { readonly store: BatchStore; readonly signal: AbortSignal },
): Promise<typeof NOTHING> {
  if (error instanceof BatchEnded) return NOTHING;
  const isPassing = error instanceof ReferentError && canPass(error);
  if (signal.aborted || isPassing) await store.work.release(page);
  const isLost = error instanceof ReferentError && error.code === 'kb-not-found';
  if (!isLost || page.attempt < MAX_ATTEMPTS) throw error;
  await store.end(page.batch, { code: error.code, detail: error.message });
  return NOTHING;
}

class BatchEnded extends Error {
  constructor() {
    super('The batch was cancelled, or the page went to another process.');
    this.name = 'BatchEnded';
  }
}

/** Tells others that the page is being worked on, and the work when it no longer should be. */
class Hold {
  readonly signal: AbortSignal;
  private readonly ended = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly store: BatchStore,
    private readonly page: PageRef,
    outer: AbortSignal,
  ) {
    this.signal = AbortSignal.any([outer, this.ended.signal]);
    this.timer = setInterval(() => void this.renew(), HOLD_EVERY_MS);
  }

  end(): void {
    clearInterval(this.timer);
  }

  private async renew(): Promise<void> {
    try {
      if (!(await this.store.work.hold(this.page))) this.ended.abort(new BatchEnded());
    } catch {
      // The store cannot be reached: the work's own next statement tells.
    }
  }
}

async function feedNext({ batch }: PageRef, { feed }: AnnotateHandlerOptions): Promise<void> {
  try {
    await feed(batch);
  } catch (error) {
    if (!canWait(error)) throw error;
  }
}
