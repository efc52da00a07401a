import { ReferentError } from '../contract/errors.js';
import type { ModelState, KbCatalog, KbStore } from '../kb/kb-store.js';
import type { ModelPool } from '../model/model-pool.js';
import type { WorkQueue } from '../queue/work-queue.js';
import { leadReembedding } from './lead-reembedding.js';
import { NoLongerAsked, runningIn } from './reembed-watch.js';

/** Hears why a re-embedding does not go on. */
export interface ReembedLog {
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
}

export interface ReembedderOptions {
  readonly catalog: KbCatalog;
  readonly pool: ModelPool;
  readonly queue: WorkQueue;
  readonly log: ReembedLog;
}

/** An error that nobody foresaw may pass; one that comes so often in a row does not. */
const MAX_UNFORESEEN = 5;

/** What can pass: another process, or this one a moment later, goes on where this one was. */
const PASSING = new Set<string>(['not-ready', 'busy', 'queue-unavailable', 'deadline-exceeded']);

/**
 * Re-embeddings of KBs: asked for here, led by whichever process is there. Everything that has to last is in the
 * store, so that any process can go on where one died.
 */
export class Reembedder {
  private readonly ending = new AbortController();
  private readonly leading = new Map<string, Promise<void>>();
  private readonly unforeseen = new Map<string, number>();

  constructor(private readonly options: ReembedderOptions) {}

  /** Stops what this process leads; it goes on in another one, or when one starts. */
  async close(): Promise<void> {
    this.ending.abort(new ReferentError('not-ready', 'The process is ending.'));
    await Promise.all(this.leading.values());
  }

  /**
   * Asks for a KB to be embedded under a model and then searched with it; goes on where the same was asked for.
   * @throws ReferentError `invalid-input` for a model that there is not, `kb-not-found`, `busy` while another one is
   * under way.
   */
  async begin(kb: string, modelName: string): Promise<ModelState> {
    const store = await this.begun(kb);
    const model = await this.options.pool.named(modelName);
    const { active, reembedding } = await store.models.state();
    const current = active ?? (await this.searchedWith(store));
    const isThere = current === model.version && (await isComplete(store, current));
    if (isThere && reembedding === null) return store.models.state();
    return this.ask(store, { target: model.version, model: model.name, current });
  }

  /** Asks for the model before to be the active one again. @throws ReferentError `invalid-input` where there is none. */
  async rollBack(kb: string): Promise<ModelState> {
    const store = await this.begun(kb);
    const { active, previous } = await store.models.state();
    if (active === null || previous === null) {
      throw new ReferentError(
        'invalid-input',
        `The knowledge base '${kb}' has no model before the one it is searched with: there is nothing to go back to.`,
      );
    }
    const { models } = await this.options.pool.list();
    const model = models.find(({ version }) => version === previous);
    const name = model?.name ?? `of version ${previous}`;
    return this.ask(store, { target: previous, model: name, current: active });
  }

  /** Forgets what is under way or has stopped; what is encoded stays until the next change of model. */
  async cancel(kb: string): Promise<ModelState> {
    const store = await this.begun(kb);
    await store.models.cancel();
    return store.models.state();
  }

  async state(kb: string): Promise<ModelState> {
    return (await this.begun(kb)).models.state();
  }

  /** Leads what nobody leads, as a process that died did, and does not wait for its end. */
  async tend(): Promise<void> {
    for (const { name, activeModel, problem } of await this.options.catalog.list()) {
      // To ask for one pins the active model.
      if (activeModel === null || problem !== undefined) continue;
      const store = await this.options.catalog.open(name);
      if (runningIn(await store.models.state()) !== null) this.lead(store);
    }
  }

  /** Leads one KB's, unless it is led or nothing is under way; does not wait for its end. */
  async tendTo(kb: string): Promise<void> {
    const store = await this.begun(kb);
    if (runningIn(await store.models.state()) !== null) this.lead(store);
  }

  private async ask(
    store: KbStore,
    { target, model, current }: Record<'target' | 'model' | 'current', string>,
  ): Promise<ModelState> {
    const state = await store.models.begin({ target, model }, current);
    this.unforeseen.delete(store.name);
    this.lead(store);
    return state;
  }

  private lead(store: KbStore): void {
    const { name } = store;
    if (this.leading.has(name) || this.ending.signal.aborted) return;
    const led = this.leadOnce(store).finally(() => this.leading.delete(name));
    this.leading.set(name, led);
  }

  private async leadOnce(store: KbStore): Promise<void> {
    const { queue } = this.options;
    try {
      await leadReembedding(store, { queue, signal: this.ending.signal });
      this.unforeseen.delete(store.name);
    } catch (error) {
      await this.failed(store, error);
    }
  }

  /** What can pass is tried again at the next look; else it stops, visibly, until somebody asks again. */
  private async failed(store: KbStore, error: unknown): Promise<void> {
    if (error instanceof NoLongerAsked || this.ending.signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    this.options.log.warn(`Re-embedding was interrupted: ${reason}`, { kb: store.name });
    if (this.canPass(store.name, error)) return;
    await store.models.stop(reason).catch((cause: unknown) => {
      this.options.log.warn(`That could not be noted: ${String(cause)}`, { kb: store.name });
    });
  }

  private canPass(kb: string, error: unknown): boolean {
    if (error instanceof ReferentError) return PASSING.has(error.code);
    const count = (this.unforeseen.get(kb) ?? 0) + 1;
    this.unforeseen.set(kb, count);
    return count < MAX_UNFORESEEN;
  }

  /** @throws ReferentError `kb-not-found`, also where a first import has not committed yet. */
  private async begun(kb: string): Promise<KbStore> {
    const store = await this.options.catalog.open(kb);
    if ((await store.info()).sequence > 0) return store;
    throw new ReferentError(
      'kb-not-found',
      `There is nothing in the knowledge base ${kb} yet: its first import has not come to its end.`,
    );
  }

  /** Of a KB that was never re-embedded: the model of this process, or else one that all its entities have vectors of. */
  private async searchedWith(store: KbStore): Promise<string> {
    const { version } = await this.options.pool.byDefault();
    for (const one of [version, ...(await store.vectors.models()).keys()]) {
      if (await isComplete(store, one)) return one;
    }
    return version;
  }
}

async function isComplete(store: KbStore, version: string): Promise<boolean> {
  const missing = await store.vectors.entitiesWithout(version, { afterKey: 0, limit: 1 });
  return missing.length === 0;
}
