import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
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

interface HeldStore {
  readonly identity: string;
  readonly store: Promise<SqliteKbStore>;
}

/**
 * One folder a KB: `<dataDir>/kbs/<name>/`. A store is opened once a process and shared, for as long as its file is
 * the one that was opened: a store whose file was removed or replaced is closed. `close` closes them all.
 */
export class SqliteCatalog extends KbCatalog {
  private readonly stores = new Map<string, HeldStore>();

  constructor(private readonly options: SqliteCatalogOptions) {
    super();
  }

  override async list(): Promise<readonly KbInfo[]> {
    const names = this.existing();
    await this.closeAllBut(new Set(names));
    const infos = await Promise.all(names.map((name) => this.infoOf(name)));
    return infos.filter(({ sequence, problem }) => sequence > 0 || problem !== undefined);
  }

  override async open(name: string): Promise<SqliteKbStore> {
    assertKbName(name);
    if (SqliteKbStore.exists(this.folder(name))) return this.opened(name);
    const known = (await this.list()).map((kb) => kb.name).join(', ') || 'none yet';
    throw new ReferentError(
      'kb-not-found',
      `no knowledge base ${name} (there are: ${known}); make it with: referent import FILE --kb ${name}`,
    );
  }

  override async openOrCreate(name: string): Promise<SqliteKbStore> {
    assertKbName(name);
    this.usable(() => {
      this.makeFile(name);
    });
    return this.opened(name);
  }

  /** The folder is renamed first, so that a crash half way never leaves half a KB. */
  override async drop(name: string): Promise<void> {
    const store = await this.open(name);
    await this.remove(store, ImportLock.take(this.folder(name), name));
  }

  override async dropIfUnused(name: string): Promise<void> {
    const store = await this.open(name);
    const lock = ImportLock.tryTake(this.folder(name));
    if (lock === null) return;
    if (await store.isUnused()) await this.remove(store, lock);
    else lock.release();
  }

  private async remove(store: SqliteKbStore, lock: ImportLock): Promise<void> {
    const { name } = store;
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
    await this.closeAllBut(new Set());
  }

  private async closeAllBut(names: ReadonlySet<string>): Promise<void> {
    const gone = [...this.stores].filter(([name]) => !names.has(name));
    for (const [name] of gone) this.stores.delete(name);
    await Promise.all(gone.map(([, held]) => closed(held)));
  }

  /** Exactly one process makes the file; killed here, it leaves an empty one with no index, which counts as new. */
  private makeFile(name: string): void {
    const folder = this.folder(name);
    mkdirSync(folder, { recursive: true });
    if (SqliteKbStore.exists(folder)) return;
    // Of a store that is no more.
    rmSync(this.derivedFolder(name), { recursive: true, force: true });
    closeSync(openSync(join(folder, 'store.sqlite'), 'a'));
  }

  private opened(name: string): Promise<SqliteKbStore> {
    const folder = this.folder(name);
    // Before the opening: a file that is replaced meanwhile is seen as another at the next look.
    const identity = SqliteKbStore.identity(folder) ?? '';
    const earlier = this.stores.get(name);
    if (earlier?.identity === identity) return earlier.store;
    const store = closed(earlier).then(() =>
      SqliteKbStore.open({
        name,
        folder,
        maxBytes: this.options.maxBytesPerKb,
        mayCreate: !existsSync(this.derivedFolder(name)),
      }),
    );
    const held = { identity, store };
    this.stores.set(name, held);
    store.catch(() => {
      if (this.stores.get(name) === held) this.stores.delete(name);
    });
    return store;
  }

  /** A broken KB must not hide the others: it is listed with its problem. */
  private async infoOf(name: string): Promise<KbInfo> {
    try {
      return await (await this.opened(name)).info();
    } catch (error) {
      if (!(error instanceof ReferentError)) throw error;
      const counts = { sequence: 0, entities: 0, names: 0, updatedAt: '', activeModel: null };
      return { name, ...counts, problem: error.message };
    }
  }

  private existing(): string[] {
    const names = this.usable(() => {
      mkdirSync(this.root, { recursive: true });
      return readdirSync(this.root);
    });
    return names
      .filter((name) => isKbName(name) && SqliteKbStore.exists(this.folder(name)))
      .sort();
  }

  /** Turns what the file system says of the data folder into an error that says what to do. */
  private usable<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new ReferentError(
        'store-invalid',
        `The data folder ${this.options.dataDir} cannot be used (${String(cause)}): set REFERENT_DATA_DIR to a folder that can be written to.`,
        { cause },
      );
    }
  }

  /** Where the KB of that name is. */
  folder(name: string): string {
    return join(this.root, name);
  }

  get root(): string {
    return join(this.options.dataDir, 'kbs');
  }
}

/** Closes a store, if one was opened; its file may be gone. */
async function closed(held: HeldStore | undefined): Promise<void> {
  try {
    await (await held?.store)?.close();
  } catch {
    // It could not be opened, or its file is gone: there is nothing left to lose.
  }
}
