/** What an API key may do: `admin` everything, `annotate` what leaves knowledge bases as they are. */
export const KEY_ROLES = ['annotate', 'admin'] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/** What a request needs: a key of that role, or none at all. */
export type NeededRole = KeyRole | 'public';

/** Whether a caller of that role (null: without a key) may do what needs the other. */
export function mayDo(role: KeyRole | null, needed: NeededRole): boolean {
  return needed === 'public' || role === 'admin' || role === needed;
}
