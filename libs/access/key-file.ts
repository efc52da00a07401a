import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ReferentError } from '../contract/errors.js';
import type { KeyRole } from '../contract/roles.js';
import { whileLocked } from './while-locked.js';
import { makeKey, storedKey, type MadeKey, type StoredKey } from './api-key.js';

const keyFile = z.object({ version: z.literal(1), keys: z.array(storedKey) }).strict();

/** The file that keys are kept in: hashes, for its owner alone, replaced as a whole by one writer at a time. */
export class KeyFile {
  constructor(readonly path: string) {}

  /**
   * The keys; null where there is no file, which is another thing than one without keys.
   * @throws ReferentError `store-invalid` where it cannot be read or is damaged.
   */
  read(): readonly StoredKey[] | null {
    const text = this.text();
    if (text === null) return null;
    const parsed = keyFile.safeParse(asJson(text));
    if (parsed.success) return parsed.data.keys;
    const [issue] = parsed.error.issues;
    throw this.invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }

  /** @throws ReferentError `invalid-input` where a key has that name or id. */
  add(role: KeyRole, name?: string): MadeKey {
    const made = makeKey(role, name);
    this.change((keys) => {
      if (name !== undefined && keys.some((key) => isNamed(key, name))) {
        const remedy = 'take another name, or revoke that key first';
        throw new ReferentError('invalid-input', `There is a key ${name} already: ${remedy}.`);
      }
      return [...keys, made.stored];
    });
    return made;
  }

  /** @throws ReferentError `invalid-input` where no key has that name or id. */
  revoke(nameOrId: string): { readonly revoked: StoredKey; readonly left: number } {
    let revoked: StoredKey | undefined;
    const kept = this.change((keys) => {
      revoked = keys.find((key) => isNamed(key, nameOrId));
      return keys.filter((key) => key !== revoked);
    });
    if (revoked !== undefined) return { revoked, left: kept.length };
    throw new ReferentError(
      'invalid-input',
      `There is no key ${JSON.stringify(nameOrId)}: \`referent keys list\` shows those there are.`,
    );
  }

  /** One change at a time over all processes: two `keys add` at once lose nothing. */
  private change(next: (keys: readonly StoredKey[]) => readonly StoredKey[]): readonly StoredKey[] {
    return whileLocked(`${this.path}.lock`, () => {
      const before = this.read() ?? [];
      const keys = next(before);
      if (keys.length !== before.length) this.write({ version: 1, keys: [...keys] });
      return keys;
    });
  }

  /** Aside, to the disk, then renamed: whoever reads has the old keys or the new ones. */
  private write(content: z.output<typeof keyFile>): void {
    const aside = `${this.path}.new`;
    try {
      // What a killed writer or a full disk left; the lock says that it is nobody's.
      rmSync(aside, { force: true });
      writeDurably(aside, `${JSON.stringify(content, null, 2)}\n`);
      renameSync(aside, this.path);
      syncFolder(dirname(this.path));
    } catch (cause) {
      throw this.unwritable(cause);
    }
  }

  private text(): string | null {
    try {
      return readFileSync(this.path, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw this.invalid(String(cause), cause);
    }
  }

  private invalid(reason: string, cause?: unknown): ReferentError {
    return new ReferentError(
      'store-invalid',
      `The file of API keys ${this.path} cannot be read (${reason}): restore it from a copy, or delete it and add ` +
        'new keys with `referent keys add`.',
      { cause },
    );
  }

  private unwritable(cause: unknown): ReferentError {
    const isFull = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
    return new ReferentError(
      isFull ? 'disk-full' : 'store-invalid',
      `The file of API keys ${this.path} cannot be written (${String(cause)}): nothing was changed; make room or ` +
        'let its folder be written to, and try again.',
      { cause },
    );
  }
}

function isNamed({ id, name }: StoredKey, nameOrId: string): boolean {
  return id === nameOrId || name === nameOrId;
}

/** What is not JSON is undefined, which no schema takes; the parser's message would quote the file. */
function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    fchmodSync(file, 0o600);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
