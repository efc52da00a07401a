import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { KEY_ROLES, type KeyRole } from '../contract/roles.js';

/**
 * A key at rest. Its hash is one SHA-256: a slow hash protects what people make up and others can guess, and a key
 * is 256 random bits, which nobody guesses at any speed; a slow hash would only make every request cost 100 ms.
 */
export const storedKey = z
  .object({
    id: z.string().regex(/^[0-9a-f]{8}$/),
    name: z.string().regex(/^[\w.@-]{1,64}$/),
    role: z.enum(KEY_ROLES),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    createdAt: z.iso.datetime(),
  })
  .strict();

export type StoredKey = z.output<typeof storedKey>;

export interface MadeKey {
  /** Shown once, to whoever asked for it, and nowhere kept. */
  readonly secret: string;
  readonly stored: StoredKey;
}

const SECRET = /^rk_[\w-]{43}$/;

export function makeKey(role: KeyRole, name?: string): MadeKey {
  const secret = `rk_${randomBytes(32).toString('base64url')}`;
  const id = randomBytes(4).toString('hex');
  const stored = {
    id,
    name: name ?? `${role}-${id}`,
    role,
    sha256: hashOf(secret).toString('hex'),
    createdAt: new Date().toISOString(),
  };
  return { secret, stored };
}

/**
 * The key that was sent; undefined where it is none of them. All are compared, each in constant time, so that how long
 * it takes says nothing of which or how much of one was right.
 */
export function findKey(keys: readonly StoredKey[], sent: string): StoredKey | undefined {
  if (!SECRET.test(sent)) return undefined;
  const hash = hashOf(sent);
  let found: StoredKey | undefined;
  for (const key of keys) {
    if (timingSafeEqual(hash, Buffer.from(key.sha256, 'hex'))) found = key;
  }
  return found;
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
