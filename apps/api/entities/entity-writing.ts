import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityRecord } from '../../../libs/contract/entity.js';
import { ReferentError } from '../../../libs/contract/errors.js';
import { pointer, preview } from '../../../libs/contract/faults.js';
import { RequestError } from '../../../libs/contract/problem.js';
import { isTooDeep, parseRecord } from '../../../libs/jobs/import-record.js';
import { patched } from '../../../libs/jobs/merge-patch.js';
import { writeEntities } from '../../../libs/jobs/write-entities.js';
import {
  KbCatalog,
  type EntityWrite,
  type Expectation,
  type KbStore,
  type WriteReport,
} from '../../../libs/kb/kb-store.js';
import { recordTag } from '../../../libs/kb/record-tag.js';
import { OpenKbs } from '../../../libs/linking/open-kbs.js';

/** What one write did. */
export interface Written {
  readonly kb: { readonly name: string; readonly sequence: number };
  readonly status: 'created' | 'changed' | 'unchanged' | 'deleted';
  /** null where it was deleted. */
  readonly entity: EntityRecord | null;
  readonly tag: string | null;
}

/** The entity is in another state than expected: nothing was done. */
export class StaleError extends ReferentError {
  constructor(
    id: string,
    /** Of the state that it is in; null where there is none. */
    readonly tag: string | null,
  ) {
    const is = tag === null ? 'does not exist' : `is in the state "${tag}" now`;
    super(
      'stale',
      `Entity ${preview(id)} ${is}, not in the one that was expected, and nothing was written: GET it, and repeat with its ETag.`,
    );
    this.name = 'StaleError';
  }
}

interface Asked {
  readonly kb: string | undefined;
  readonly id: string;
  readonly expected: Expectation;
}

/** A patch of an entity that everybody patches is tried again so often. */
const PATCH_ATTEMPTS = 200;

/** Writes of entities: when one is done it is on disk, and linkable in this process. */
export class EntityWriting {
  constructor(
    private readonly kbs: OpenKbs,
    private readonly catalog: KbCatalog,
  ) {}

  async put({ kb, id, expected }: Asked, body: unknown): Promise<Written> {
    return this.one(kb, { id, record: recordOf(withId(body, id), id), expected });
  }

  /** Create or replace, by the id in the record. */
  async post(kb: string | undefined, body: unknown, expected: Expectation): Promise<Written> {
    const record = recordOf(body);
    return this.one(kb, { id: record.id, record, expected });
  }

  async remove({ kb, id, expected }: Asked): Promise<Written> {
    return this.one(kb, { id, record: null, expected });
  }

  /** Read, merge, write in the state that was read; again where another write came between. */
  async patch({ kb, id, expected }: Asked, patch: unknown): Promise<Written> {
    assertPatch(patch);
    for (let attempt = 1; ; attempt++) {
      const store = await this.kbs.store(kb);
      const present = await presentIn(store, id, expected);
      const record = recordOf(patched(present.record, patch), id);
      try {
        const { tag } = present;
        return await this.one(kb, { id, record, expected: { state: 'tagged', tags: [tag] } });
      } catch (error) {
        const isRace = error instanceof StaleError && expected.state !== 'tagged';
        if (!isRace || attempt >= PATCH_ATTEMPTS) throw error;
        await sleep(Math.random() * Math.min(attempt, 20));
      }
    }
  }

  /** Makes writes in one transaction; they are linkable here when it is done. */
  async write(name: string | undefined, writes: readonly EntityWrite[]): Promise<WriteReport> {
    const report = await writeEntities(writes, async (isOutdated) => {
      if (isOutdated) await this.kbs.followActive(name);
      const { kb, model } = await this.kbs.get(name);
      return { store: kb.store, model, derivedFolder: this.catalog.derivedFolder(kb.name) };
    });
    await this.follow(name, report.sequence);
    return report;
  }

  /** Where the KB's pair is replaced meanwhile, the new one follows too. */
  private async follow(name: string | undefined, sequence: number): Promise<void> {
    for (;;) {
      const { kb } = await this.kbs.get(name);
      await kb.refreshTo(sequence);
      if ((await this.kbs.get(name)).kb === kb) return;
    }
  }

  private async one(name: string | undefined, write: EntityWrite): Promise<Written> {
    const { outcomes, sequence } = await this.write(name, [write]);
    const { status = 'absent', tag = null } = outcomes[0] ?? {};
    const store = await this.kbs.store(name);
    if (status === 'stale') throw new StaleError(write.id, tag);
    if (status === 'absent') throw notFound(write.id, store);
    return { kb: { name: store.name, sequence }, status, entity: write.record, tag };
  }
}

export function notFound(id: string, { name }: Pick<KbStore, 'name'>): ReferentError {
  return new ReferentError(
    'entity-not-found',
    `There is no entity ${preview(id)} in the knowledge base ${preview(name)}: ` +
      'GET /v1/entities?q=… finds entities by name, PUT makes one.',
  );
}

/** The entity as it is, where it is as expected. */
async function presentIn(
  store: KbStore,
  id: string,
  expected: Expectation,
): Promise<{ readonly record: EntityRecord; readonly tag: string }> {
  const record = (await store.entities.byIds([id])).get(id)?.record;
  if (record === undefined) {
    throw expected.state === 'any' ? notFound(id, store) : new StaleError(id, null);
  }
  const tag = recordTag(record);
  const isWrong =
    expected.state === 'absent' || (expected.state === 'tagged' && !expected.tags.includes(tag));
  if (isWrong) throw new StaleError(id, tag);
  return { record, tag };
}

/** The path says which entity; the body may say so too. */
function withId(body: unknown, id: string): unknown {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  return isObject ? { id, ...body } : body;
}

/** @throws RequestError `invalid-input` with every fault of the record. */
function recordOf(value: unknown, id?: string): EntityRecord {
  const parsed = parseRecord(value);
  if ('reason' in parsed) {
    const faults = parsed.faults.map(({ path, detail }) => ({
      pointer: pointer(pathIn(value, path)),
      detail,
    }));
    throw new RequestError('invalid-input', faults);
  }
  if (id === undefined || parsed.record.id === id) return parsed.record;
  const detail = `is ${preview(parsed.record.id)}, the path says ${preview(id)}: leave it out, or write to the other path. An id cannot be changed.`;
  throw new RequestError('invalid-input', [{ pointer: '/id', detail }]);
}

/** As far as there is something to point into: an alias may be a text, which is checked as an object with a name. */
function pathIn(value: unknown, path: readonly PropertyKey[]): readonly PropertyKey[] {
  const [key, ...rest] = path;
  if (key === undefined || typeof value !== 'object' || value === null) return [];
  return [key, ...pathIn((value as Record<PropertyKey, unknown>)[key], rest)];
}

function assertPatch(patch: unknown): void {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    const detail = 'expected an object: the fields to change, null for those to take away.';
    throw new RequestError('invalid-input', [{ pointer: '', detail }]);
  }
  if (!isTooDeep(patch)) return;
  throw new RequestError('invalid-input', [
    { pointer: '', detail: 'is nested more than 64 levels deep: make it flatter.' },
  ]);
}
