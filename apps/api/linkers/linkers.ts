import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { ReferentError } from '../../../libs/contract/errors.js';
import type { ReadyResponse } from '../../../libs/contract/responses.js';
import type { KbCatalog, KbInfo, KbStore } from '../../../libs/kb/kb-store.js';
import { KnowledgeBase } from '../../../libs/linking/knowledge-base.js';
import { Linker } from '../../../libs/linking/linker.js';
import type { LinkingModel } from '../../../libs/model/linking-model.js';
import type { JsonLog } from '../http/json-log.js';

/** So often the server looks for what imports have committed. */
const FOLLOW_EVERY_MS = 500;

export interface OpenKb {
  readonly kb: KnowledgeBase;
  readonly linker: Linker;
}

interface LinkersOptions {
  readonly catalog: KbCatalog;
  readonly model: LinkingModel;
  readonly log: JsonLog;
  readonly settings: { readonly defaultKb: string | null };
}

/** A KB that could not be opened is tried again when it has changed, or when a request names it. */
interface Failed {
  readonly state: string;
  readonly message: string;
}

/** A linker a KB: all are opened at start, follow their KB while the server runs, and are closed with it. */
export class Linkers implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly opening = new Map<string, Promise<OpenKb>>();
  private readonly open = new Map<string, OpenKb>();
  private readonly failed = new Map<string, Failed>();
  /** KBs that were removed or replaced, until their last reader is done. */
  private readonly retiring = new Set<Promise<void>>();
  private following: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private closing = false;
  private hasLooked = false;

  constructor(private readonly options: LinkersOptions) {}

  /** Does not wait: the server answers /health while large KBs are opened. */
  onApplicationBootstrap(): void {
    this.followOnceMore();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing = true;
    clearTimeout(this.timer);
    await this.following;
    await Promise.allSettled(this.opening.values());
    for (const name of [...this.open.keys()]) this.retire(name);
    await Promise.all(this.retiring);
    await this.options.catalog.close();
    await this.options.model.close();
  }

  /**
   * The linker of a KB, or of the default one.
   * @throws ReferentError `kb-not-found`; `invalid-input` where none is named and none is the default;
   * `not-ready` where there is no KB at all.
   */
  async get(name: string | undefined): Promise<OpenKb> {
    return this.opened(name ?? (await this.defaultName()));
  }

  async store(name: string | undefined): Promise<KbStore> {
    return (await this.get(name)).kb.store;
  }

  /** The KB for requests that name none: the one of the settings, else the only one; null where neither is. */
  defaultOf(kbs: readonly KbInfo[]): string | null {
    const names = kbs.filter(isLinkable).map(({ name }) => name);
    return this.options.settings.defaultKb ?? (names.length === 1 ? (names[0] ?? null) : null);
  }

  /** @throws ReferentError `not-ready` with the reason why no links can be made. */
  readiness(): ReadyResponse {
    const reason = this.whyNotReady();
    if (reason !== null) throw new ReferentError('not-ready', reason);
    const { name, version } = this.options.model.manifest;
    return { status: 'ready', model: `${name}@${version}`, kbs: [...this.open.keys()].sort() };
  }

  private whyNotReady(): string | null {
    const { defaultKb } = this.options.settings;
    if (defaultKb === null ? this.open.size > 0 : this.open.has(defaultKb)) return null;
    const failures = [...this.failed.values()].map(({ message }) => message);
    if (failures.length > 0) return failures.join(' ');
    if (!this.hasLooked || this.opening.size > 0) return 'Knowledge bases are being opened.';
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
  private async opened(name: string): Promise<OpenKb> {
    const store = await this.options.catalog.open(name);
    const open = this.open.get(name);
    if (open?.kb.store === store) return open;
    const opening = this.opening.get(name) ?? this.openNow(name, store);
    this.opening.set(name, opening);
    return opening;
  }

  private async openNow(name: string, store: KbStore): Promise<OpenKb> {
    const { catalog, model, log } = this.options;
    this.retire(name);
    try {
      await assertBegun(store);
      const kb = await KnowledgeBase.open({
        store,
        model: model.identity,
        derivedFolder: catalog.derivedFolder(name),
        onWarning: (message) => {
          log.warn(message, { kb: name });
        },
      });
      const open = { kb, linker: new Linker(model, kb) };
      this.open.set(name, open);
      this.failed.delete(name);
      return open;
    } finally {
      this.opening.delete(name);
    }
  }

  private followOnceMore(): void {
    this.following = this.follow()
      .catch((error: unknown) => {
        this.options.log.error(error);
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
    this.forgetDropped(new Set(kbs.map(({ name }) => name)));
    for (const { name, problem } of kbs) {
      if (problem !== undefined) this.failed.set(name, { state: '', message: problem });
    }
    await Promise.all(kbs.filter(isLinkable).map((info) => this.openOrRefresh(info)));
  }

  private async openOrRefresh({ name, sequence, updatedAt }: KbInfo): Promise<void> {
    const state = `${sequence} ${updatedAt}`;
    if (this.closing || this.failed.get(name)?.state === state) return;
    try {
      const { kb } = await this.opened(name);
      await kb.refresh();
      this.failed.delete(name);
    } catch (error) {
      // Removed or replaced while we looked: the next look sees what is there now.
      if (isPassing(error)) return;
      const message = error instanceof Error ? error.message : String(error);
      this.failed.set(name, { state, message });
      this.options.log.error(error, { kb: name });
    }
  }

  private forgetDropped(existing: ReadonlySet<string>): void {
    for (const name of this.failed.keys()) if (!existing.has(name)) this.failed.delete(name);
    for (const name of [...this.open.keys()]) if (!existing.has(name)) this.retire(name);
  }

  /** Takes a KB out of service; it is closed when its last reader is done, and nobody waits for that. */
  private retire(name: string): void {
    const open = this.open.get(name);
    if (open === undefined) return;
    this.open.delete(name);
    const closed = open.kb
      .close()
      .catch((error: unknown) => {
        if (!isPassing(error)) this.options.log.error(error, { kb: name });
      })
      .finally(() => this.retiring.delete(closed));
    this.retiring.add(closed);
  }
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
