import type { KbStore } from '../kb/kb-store.js';
import type { LinkingModel } from '../model/linking-model.js';
import type { ModelLease } from '../model/model-pool.js';
import { KnowledgeBase } from './knowledge-base.js';
import { Linker } from './linker.js';
import type { Reranker } from './reranker.js';

/** A KB and the model that its vectors are of: what links texts. */
export interface OpenKb {
  readonly kb: KnowledgeBase;
  readonly linker: Linker;
  /** What its vectors are of. */
  readonly model: LinkingModel;
}

export interface PairOptions {
  readonly store: KbStore;
  readonly lease: ModelLease;
  /** Where snapshots of the index are kept. */
  readonly derivedFolder: string;
  readonly onWarning: (message: string) => void;
  /** Who scores pairs; this model where absent. */
  readonly reranker?: Reranker | undefined;
}

/** A KB under one model, open until its last user is done. Never changes: another model makes another pair. */
export class OpenPair implements OpenKb {
  private users = 0;
  private onLastUserGone: () => void = () => undefined;

  private constructor(
    readonly kb: KnowledgeBase,
    readonly linker: Linker,
    private readonly lease: ModelLease,
  ) {}

  /** Takes over the lease, and releases it where the KB cannot be opened. */
  static async open({ lease, reranker, ...options }: PairOptions): Promise<OpenPair> {
    try {
      const kb = await KnowledgeBase.open({ ...options, model: lease.model.identity });
      return new OpenPair(kb, new Linker(lease.model, kb, { reranker }), lease);
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  get model(): LinkingModel {
    return this.lease.model;
  }

  /** Version of its vectors. */
  get version(): string {
    return this.model.identity.version;
  }

  /** Runs work that may be under way when the pair is replaced: it ends with this pair. */
  async use<T>(work: (pair: OpenKb) => Promise<T>): Promise<T> {
    this.users += 1;
    try {
      return await work(this);
    } finally {
      this.users -= 1;
      if (this.users === 0) this.onLastUserGone();
    }
  }

  /** Settles when nobody uses it. */
  async unused(): Promise<void> {
    while (this.users > 0) {
      await new Promise<void>((resolve) => {
        this.onLastUserGone = resolve;
      });
    }
  }

  /** Closes the KB when those who read in it are done; later reads of others are refused as `not-ready`. */
  async close(): Promise<void> {
    try {
      await this.kb.close();
    } finally {
      this.lease.release();
    }
  }
}
