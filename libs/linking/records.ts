import type { EntityRecord } from '../contract/entity.js';
import type { EntityTable } from '../kb/kb-store.js';
import type { EntityText } from '../model/entity-text.js';

/** The entity records one document needs, each fetched once, when it is first asked for. */
export class Records {
  /** null: asked for and gone. */
  private readonly known = new Map<number, EntityRecord | null>();

  constructor(private readonly table: EntityTable) {}

  async load(keys: Iterable<number>): Promise<void> {
    const missing = [...new Set(keys)].filter((key) => !this.known.has(key));
    if (missing.length === 0) return;
    const found = await this.table.byKeys(missing);
    for (const key of missing) this.known.set(key, found.get(key)?.record ?? null);
  }

  /** The record of a loaded key; undefined where the entity is gone. */
  get(key: number): EntityRecord | undefined {
    return this.known.get(key) ?? undefined;
  }

  /** Whether the key was asked for and the store no longer has it. */
  isGone(key: number): boolean {
    return this.known.get(key) === null;
  }
}

/** What the encoders read of a record. */
export function entityText(record: EntityRecord): EntityText {
  return {
    title: record.title,
    aliases: record.aliases.map((alias) => alias.name),
    types: record.types,
    description: record.description,
  };
}
