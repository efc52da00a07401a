import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import { ImportLock } from './import-lock.js';
import { assertKbName, isKbName } from './kb-name.js';
import { KbCatalog, type KbInfo } from './kb-store.js';
import { SqliteKbStore } from './sqlite-store.js';

export interface SqliteCatalogOptions {
  readonly dataDir: string;
  /** Upper limit of one store file. */
  readonly maxBytesPerKb?: number | undefined;
}

/** One folder a KB: `<dataDir>/kbs/<name>/`. A store is opened once a process and shared; `close` closes them all. */
export class SqliteCatalog extends KbCatalog {
  private readonly stores = new Map<string, Promise<SqliteKbStore>>();

  constructor(private readonly options: SqliteCatalogOptions) {
    super();
  }

  override list(): Promise<readonly KbInfo[]> {
    return Promise.all(this.existing().map((name) => this.infoOf(name)));
  }

  override async open(name: string): Promise<SqliteKbStore> {
    assertKbName(name);
    if (SqliteKbStore.exists(this.folder(name))) return this.opened(name);
    const known = this.existing().join(', ') || 'none yet';
    throw new ReferentError(
      'kb-not-found',
      `no knowledge base ${name} (there are: ${known}); make it with: referent import FILE --kb ${name}`,
    );
  }

  override async openOrCreate(name: string): Promise<SqliteKbStore> {
    assertKbName(name);
    mkdirSync(this.folder(name), { recursive: true });
    return this.opened(name);
  }

  /** The folder is renamed first, so that a crash half way never leaves half a KB. */
  override async drop(name: string): Promise<void> {
    const store = await this.open(name);
    const lock = ImportLock.take(this.folder(name), name);
    await store.close();
    this.stores.delete(name);
    const gone = join(this.root, `.dropped-${name}-${process.pid}-${Date.now()}`);
    renameSync(this.folder(name), gone);
    lock.release();
    rmSync(gone, { recursive: true, force: true });
  }

  override derivedFolder(name: string): string {
    assertKbName(name);
    return join(this.folder(name), 'index');
  }

  override async close(): Promise<void> {
    const stores = await Promise.allSettled(this.stores.values());
    this.stores.clear();
    for (const store of stores) if (store.status === 'fulfilled') await store.value.close();
  }

  private opened(name: string): Promise<SqliteKbStore> {
    let store = this.stores.get(name);
    if (store === undefined) {
      store = SqliteKbStore.open({
        name,
        folder: this.folder(name),
        maxBytes: this.options.maxBytesPerKb,
      });
      this.stores.set(name, store);
      store.catch(() => this.stores.delete(name));
    }
    return store;
  }

  /** A broken KB must not hide the others: it is listed with its problem. */
  private async infoOf(name: string): Promise<KbInfo> {
    try {
      return await (await this.opened(name)).info();
    } catch (error) {
      if (!(error instanceof ReferentError)) throw error;
      const counts = { sequence: 0, entities: 0, names: 0, updatedAt: '' };
      return { name, ...counts, problem: error.message };
    }
  }

  private existing(): string[] {
    mkdirSync(this.root, { recursive: true });
    return readdirSync(this.root)
      .filter((name) => isKbName(name) && SqliteKbStore.exists(this.folder(name)))
      .sort();
  }

  private folder(name: string): string {
    return join(this.root, name);
  }

  private get root(): string {
    return join(this.options.dataDir, 'kbs');
  }
}
