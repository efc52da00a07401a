import { statSync, type BigIntStats } from 'node:fs';
import type { KeyRole } from '../contract/roles.js';
import { findKey, type StoredKey } from './api-key.js';
import type { KeyFile } from './key-file.js';

/** Keys that others add or revoke count after this at most. */
const LOOK_EVERY_MS = 1_000;

/** Whose key it is. Never holds the key. */
export interface KeyOwner {
  readonly id: string;
  readonly name: string;
  readonly role: KeyRole;
}

/** Hears of changes, and of files that cannot be read. */
export interface KeyLog {
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  error(error: unknown, fields: Readonly<Record<string, unknown>>): void;
}

/**
 * The keys of a running server, which follows their file. The door can only be closed by what happens to the file,
 * never opened: a damaged or a missing one leaves the last good keys, and one without keys lets nobody in.
 */
export class KeyRing {
  private timer: NodeJS.Timeout | undefined;
  private seen: string;

  private constructor(
    private readonly file: KeyFile,
    private readonly log: KeyLog,
    private keys: readonly StoredKey[] | null,
  ) {
    this.seen = '';
  }

  /** @throws ReferentError `store-invalid` where the file is damaged: a server that cannot tell does not start. */
  static open(file: KeyFile, log: KeyLog): KeyRing {
    const seen = stateOf(file.path);
    const ring = new KeyRing(file, log, file.read());
    ring.seen = seen;
    return ring;
  }

  /** Whether callers need a key: once there is a file of them. */
  get isClosed(): boolean {
    return this.keys !== null;
  }

  get size(): number {
    return this.keys?.length ?? 0;
  }

  /** undefined where it is no key of ours. */
  owner(sent: string): KeyOwner | undefined {
    const key = findKey(this.keys ?? [], sent);
    return key && { id: key.id, name: key.name, role: key.role };
  }

  /** Whether others than its owner may write to the file, and so make themselves keys. */
  isWritableByOthers(): boolean {
    const stat = statOf(this.file.path);
    return stat !== null && (stat.mode & 0o022n) !== 0n;
  }

  follow(everyMs = LOOK_EVERY_MS): void {
    this.timer = setInterval(() => {
      this.look();
    }, everyMs).unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const state = stateOf(this.file.path);
    if (state === this.seen) return;
    this.seen = state;
    try {
      this.take(this.file.read());
    } catch (error) {
      this.keys ??= [];
      this.report(error);
    }
  }

  private take(keys: readonly StoredKey[] | null): void {
    if (keys === null) {
      if (this.keys !== null) this.report(`The file of API keys ${this.file.path} is gone.`);
      return;
    }
    this.keys = keys;
    this.log.info('API keys were read', { component: 'keys', keys: keys.length });
  }

  private report(error: unknown): void {
    this.log.error(error, { component: 'keys', kept: this.size });
  }
}

/** Changes whenever the file does: a rename has another inode, a write in place another time. */
function stateOf(path: string): string {
  const stat = statOf(path);
  return stat === null ? 'absent' : [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
}

/** null where there is nothing to be read, whatever the reason; reading then says which. */
function statOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return null;
  }
}
