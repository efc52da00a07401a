import { ReferentError } from '../contract/errors.js';
import type { ReadyResponse } from '../contract/responses.js';
import type { KbCatalog, KbInfo, KbStore } from '../kb/kb-store.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ListedModel } from '../model/model-list.js';
import type { ModelPool } from '../model/model-pool.js';
import { ModelTroubles } from './model-troubles.js';
import { OpenPair, type OpenKb } from './open-pair.js';
import type { Reranker } from './reranker.js';

/** Of log lines that no request stands behind. */
const COMPONENT = { component: 'knowledge-bases' } as const;

/** So often a process looks for what others have committed. */
const FOLLOW_EVERY_MS = 200;
/** A replaced pair stays open at least so long, for who has it from `get`. */
const LINGER_MS = 30_000;

export interface OpenKbState {
  readonly name: string;
  readonly sequence: number;
  /** Entities that differ from the snapshot that the index stands on. */
  readonly indexChanges: number;
}

/** Hears of what was repaired, could not be opened or could not be followed, and of a change of model. */
export interface KbLog {
  info(message: string, fields: { readonly kb: string }): void;
  warn(message: string, fields: { readonly kb: string }): void;
  error(error: unknown, fields: { readonly component: string; readonly kb?: string }): void;
}

export interface OpenKbsOptions {
  readonly catalog: KbCatalog;
  readonly pool: ModelPool;
  /** For KBs that were never re-embedded. */
  readonly defaultModel: Pick<ListedModel, 'name' | 'version'>;
  readonly log: KbLog;
  /** Knowledge base for requests that name none. */
  readonly defaultKb: string | null;
  /** Default: each model's own cross-encoder, in this process. */
  readonly reranker?: Reranker | undefined;
}

/** A KB that could not be opened is tried again when it has changed, or when a request names it. */
interface Failed {
  readonly state: string;
  readonly message: string;
}

/**
 * A pair of KB and model for each KB: all are opened at start, follow their KB while the process runs, and are closed
 * with it. When another model becomes the KB's active one, its pair is opened beside the old one and takes its place
 * in one step; whoever works with the old one ends with it.
 */
export class OpenKbs {
  private readonly opening = new Map<string, Promise<OpenPair>>();
  private readonly open = new Map<string, OpenPair>();
  private readonly failed = new Map<string, Failed>();
  /** Changes of a KB's model under way. */
  private readonly changing = new Map<string, Promise<void>>();
  private readonly troubles = new ModelTroubles();
  /** Pairs that were removed or replaced, until their last reader is done. */
  private readonly retiring = new Set<Promise<void>>();
  private readonly ending = new AbortController();
  private following: Promise<void> = Promise.resolve();
  /** KBs that are being opened or refreshed. */
  private readonly busy = new Map<string, Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private closing = false;
  private hasLooked = false;
  /** When the catalog was last read; null before the first time. */
  private lookedAt: number | null = null;

  constructor(private readonly options: OpenKbsOptions) {}

  /** Begins to open and to follow; does not wait, so that a server answers /health while large KBs are opened. */
  start(): void {
    this.followOnceMore();
  }

  /** Closes all KBs when their readers are done; catalog and model stay open. */
  async close(): Promise<void> {
    this.closing = true;
    clearTimeout(this.timer);
    this.ending.abort();
    await this.following;
    await Promise.all(this.busy.values());
    await Promise.allSettled([...this.opening.values(), ...this.changing.values()]);
    for (const name of [...this.open.keys()]) this.retire(name);
    await Promise.all(this.retiring);
  }

  /**
   * Works with the pair of a KB, or of the default one. The pair is whole and stays open until the work ends, even
   * where the KB changes its model meanwhile. Throws as `get` does.
   */
  async use<T>(name: string | undefined, work: (pair: OpenKb) => Promise<T>): Promise<T> {
    const pair = await this.pair(name);
    return pair.use(work);
  }

  /**
   * The pair of a KB, or of the default one, for a short look: work that may take longer than half a minute goes
   * through `use`.
   * @throws ReferentError `kb-not-found`; `invalid-input` where none is named and none is the default;
   * `not-ready` where there is no KB at all.
   */
  get(name: string | undefined): Promise<OpenKb> {
    return this.pair(name);
  }

  /** Changes over to the KB's active model at once, where this process has not yet: for who was told `model-mismatch`. */
  async followActive(name: string | undefined): Promise<void> {
    const pair = await this.pair(name);
    const { activeModel } = await pair.kb.store.info();
    this.followModel(pair, this.wanted(activeModel));
    await this.changing.get(pair.kb.name);
  }

  async store(name: string | undefined): Promise<KbStore> {
    return (await this.get(name)).kb.store;
  }

  /** The KB for requests that name none: the one of the settings, else the only one; null where neither is. */
  defaultOf(kbs: readonly KbInfo[]): string | null {
    const names = kbs.filter(isLinkable).map(({ name }) => name);
    return this.options.defaultKb ?? (names.length === 1 ? (names[0] ?? null) : null);
  }

  /** @throws ReferentError `not-ready` with the reason why no links can be made. */
  readiness(): ReadyResponse {
    const reason = this.whyNotReady();
    if (reason !== null) throw new ReferentError('not-ready', reason);
    const { name, version } = this.options.defaultModel;
    return {
      status: 'ready',
      model: `${name}@${version}`,
      kbs: [...this.open.keys()].sort(),
      warnings: this.troubles.messages(),
    };
  }

  private async pair(name: string | undefined): Promise<OpenPair> {
    return this.opened(name ?? (await this.defaultName()));
  }

  /** What is open, for whoever watches. */
  states(): OpenKbState[] {
    return [...this.open.values()].map(({ kb }) => ({ name: kb.name, ...kb.state }));
  }

  /** Since when others' changes may be missing here; large where the store cannot be read. */
  secondsSinceLook(): number | null {
    return this.lookedAt === null ? null : (performance.now() - this.lookedAt) / 1000;
  }

  private whyNotReady(): string | null {
    const { defaultKb } = this.options;
    if (defaultKb === null ? this.open.size > 0 : this.open.has(defaultKb)) return null;
    const failures = [...this.failed.values()].map(({ message }) => message);
    if (failures.length > 0) return failures.join(' ');
    if (!this.hasLooked || this.busy.size > 0 || this.opening.size > 0)
      return 'Knowledge bases are being opened.';
    return defaultKb === null
      ? NO_KB
      : `There is no knowledge base '${defaultKb}' (REFERENT_DEFAULT_KB) yet.`;
  }

  private async defaultName(): Promise<string> {
    const kbs = await this.options.catalog.list();
    const name = this.defaultOf(kbs);
    if (name !== null) return name;
    const names = kbs.filter(isLinkable).map((kb) => kb.name);
    if (names.length === 0) throw new ReferentError('not-ready', NO_KB);
    throw new ReferentError(
      'invalid-input',
      `There are several knowledge bases (${names.join(', ')}) and no default: name one in \`kb\`, or set REFERENT_DEFAULT_KB.`,
    );
  }

  /**
   * At most one opening of a KB at a time; a failed one is forgotten, so that the next request tries again. The
   * catalog gives another store where the KB was removed and made anew, or its file replaced: that is another KB.
   */
  private async opened(name: string): Promise<OpenPair> {
    const store = await this.options.catalog.open(name);
    const open = this.open.get(name);
    if (open?.kb.store === store) return open;
    const opening = this.opening.get(name) ?? this.openNow(name, store);
    this.opening.set(name, opening);
    return opening;
  }

  private async openNow(name: string, store: KbStore): Promise<OpenPair> {
    this.retire(name);
    try {
      await assertBegun(store);
      const { activeModel } = await store.info();
      const pair = await this.openPair(store, this.wanted(activeModel));
      this.open.set(name, pair);
      this.failed.delete(name);
      return pair;
    } finally {
      this.opening.delete(name);
    }
  }

  private async openPair(store: KbStore, version: string): Promise<OpenPair> {
    const { catalog, pool, log, reranker } = this.options;
    const lease = await pool.acquire(version);
    const onWarning = (message: string) => {
      log.warn(message, { kb: store.name });
    };
    const derivedFolder = catalog.derivedFolder(store.name);
    return OpenPair.open({ store, lease, derivedFolder, onWarning, reranker });
  }

  private wanted(activeModel: string | null): string {
    return activeModel ?? this.options.defaultModel.version;
  }

  private followOnceMore(): void {
    this.following = this.follow()
      .catch((error: unknown) => {
        this.options.log.error(error, COMPONENT);
      })
      .finally(() => {
        this.hasLooked = true;
        if (this.closing) return;
        this.timer = setTimeout(() => {
          this.followOnceMore();
        }, FOLLOW_EVERY_MS);
      });
  }

  private async follow(): Promise<void> {
    const kbs = await this.options.catalog.list();
    this.lookedAt = performance.now();
    this.forgetDropped(new Set(kbs.map(({ name }) => name)));
    for (const { name, problem } of kbs) {
      if (problem !== undefined) this.failed.set(name, { state: '', message: problem });
    }
    for (const info of kbs.filter(isLinkable)) this.followKb(info);
  }

  /** Nobody waits for a KB that is being opened, or has much to catch up with: the others are followed meanwhile. */
  private followKb(info: KbInfo): void {
    const { name } = info;
    if (this.busy.has(name)) return;
    const work = this.openOrRefresh(info).finally(() => {
      this.busy.delete(name);
    });
    this.busy.set(name, work);
  }

  private async openOrRefresh({ name, sequence, updatedAt, activeModel }: KbInfo): Promise<void> {
    const state = `${sequence} ${updatedAt}`;
    if (this.closing || this.failed.get(name)?.state === state) return;
    try {
      const pair = await this.opened(name);
      this.followModel(pair, this.wanted(activeModel));
      await pair.kb.refresh();
      this.failed.delete(name);
    } catch (error) {
      // Removed or replaced while we looked: the next look sees what is there now.
      if (isPassing(error)) return;
      const message = error instanceof Error ? error.message : String(error);
      this.failed.set(name, { state, message });
      this.options.log.error(error, { ...COMPONENT, kb: name });
    }
  }

  /** Does not wait: loading a model takes longer than a change of the KB may go unseen. */
  private followModel(pair: OpenPair, wanted: string): void {
    const { name } = pair.kb;
    if (pair.version === wanted) {
      this.troubles.forget(name);
      return;
    }
    if (this.changing.has(name) || !this.troubles.mayTry(name, wanted)) return;
    const change = this.changeModel(pair, wanted).finally(() => {
      this.changing.delete(name);
    });
    this.changing.set(name, change);
  }

  /** The old pair stays in service where the new one cannot be opened here. */
  private async changeModel(old: OpenPair, wanted: string): Promise<void> {
    const { store, name } = old.kb;
    try {
      const fresh = await this.openPair(store, wanted);
      // What was answered as linkable is so with the new pair from its first moment: nothing is awaited after this.
      while (reachedBy(fresh) < reachedBy(old)) await fresh.kb.refreshTo(reachedBy(old));
      if (this.closing || this.open.get(name) !== old) {
        await fresh.close();
        return;
      }
      this.open.set(name, fresh);
      this.troubles.forget(name);
      this.options.log.info(`It is searched with model ${fresh.version} now.`, { kb: name });
      this.supersede(old);
    } catch (error) {
      if (isPassing(error)) return;
      const message = await this.troubles.note({ store, error, wanted, served: old.version });
      if (message !== null) this.options.log.warn(message, { kb: name });
    }
  }

  private forgetDropped(existing: ReadonlySet<string>): void {
    for (const name of this.failed.keys()) if (!existing.has(name)) this.failed.delete(name);
    for (const name of [...this.open.keys()]) if (!existing.has(name)) this.retire(name);
  }

  /** Takes a KB out of service that is no more. */
  private retire(name: string): void {
    const pair = this.open.get(name);
    if (pair === undefined) return;
    this.open.delete(name);
    this.troubles.forget(name);
    this.closeInTime(pair, () => Promise.resolve());
  }

  /** Another pair has taken its place: its users end with it. */
  private supersede(pair: OpenPair): void {
    this.closeInTime(pair, async () => {
      const { signal } = this.ending;
      await sleep(LINGER_MS, undefined, { signal, ref: false }).catch(() => undefined);
      await pair.unused();
    });
  }

  /** Nobody waits for the closing but the end of the process. */
  private closeInTime(pair: OpenPair, inTime: () => Promise<void>): void {
    const closed = inTime()
      .then(() => pair.close())
      .catch((error: unknown) => {
        if (!isPassing(error)) this.options.log.error(error, { ...COMPONENT, kb: pair.kb.name });
      })
      .finally(() => this.retiring.delete(closed));
    this.retiring.add(closed);
  }
}

function reachedBy({ kb }: OpenPair): number {
  return kb.versions().kb.sequence;
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof ReferentError && (error.code === 'not-ready' || error.code === 'kb-not-found')
  );
}

/** @throws ReferentError `kb-not-found` where a first import has not committed yet. */
async function assertBegun(store: KbStore): Promise<void> {
  if ((await store.info()).sequence > 0) return;
  throw new ReferentError(
    'kb-not-found',
    `There is nothing in the knowledge base ${store.name} yet: its first import has not come to its end. Wait for it, or run it again.`,
  );
}

const NO_KB = 'There is no knowledge base yet: make one with `npx referent import FILE --kb NAME`.';

/** A first import that has not committed yet has made the KB, but there is nothing to link to. */
function isLinkable({ sequence, problem }: KbInfo): boolean {
  return sequence > 0 && problem === undefined;
}
