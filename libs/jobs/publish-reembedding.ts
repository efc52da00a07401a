import { ReferentError } from '../contract/errors.js';
import type { JobResult } from '../contract/jobs.js';
import { LENGTH_TOLERANCE } from '../index/vector-file.js';
import {
  keepSnapshotsOf,
  listSnapshots,
  pruneSnapshots,
  removeSnapshots,
  sampleKeys,
  buildSnapshot,
} from '../index/snapshot.js';
import type { KbStore, Reembedding } from '../kb/kb-store.js';
import { KnowledgeBase } from '../linking/knowledge-base.js';
import type { LinkingModel } from '../model/linking-model.js';
import { embedKeys, type EmbeddingParts } from './embed-page.js';
import { checkIndex, failedCheck, faultOf, SAMPLE, type IndexReport } from './index-check.js';
import { ReembedMeter } from './reembed-meter.js';
import { NoLongerAsked, ReembedWatch, runningIn } from './reembed-watch.js';

/** Hears what a new index was found to be. */
export interface PublishLog {
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
}

export interface PublishParts extends EmbeddingParts {
  readonly log: PublishLog;
}

/** With fewer changes since, an index that is there is brought up to date in memory rather than built anew. */
const FRESH_CHANGES = 2_500;
/** So many entities without a vector are left to the pages. */
const MOST_MISSING = 1_000;
const SNAPSHOTS_KEPT = 2;
/** Entities written while the last ones were encoded are few; a KB that is written to without end is tried later. */
const MAX_ROUNDS = 20;

/**
 * Builds the index of a KB under the model that it has been embedded with, checks it, and makes that model the active
 * one. `published: false` where there was nothing to do, entities still want a vector, an import runs, or it stopped:
 * the store says which. Two at once end as one.
 */
export async function publishReembedding(
  kb: string,
  parts: PublishParts,
  signal: AbortSignal,
): Promise<JobResult<'publish'>> {
  const store = await parts.catalog.open(kb);
  const asked = runningIn(await store.models.state());
  if (asked === null) return { published: false };
  const { model, release } = await parts.pool.acquire(asked.target);
  const watch = new ReembedWatch(store, asked.target, signal);
  try {
    return { published: await new Publication({ store, model, asked, watch, parts }).run(signal) };
  } catch (error) {
    if (error instanceof NoLongerAsked) return { published: false };
    // No use to try it again at once, as a queue would.
    if (!(error instanceof ReferentError && STOPS.has(error.code))) throw error;
    await store.models.stop(error.message);
    return { published: false };
  } finally {
    watch.end();
    release();
  }
}

const STOPS = new Set<string>(['index-invalid', 'disk-full', 'store-invalid']);

interface PublicationOptions {
  readonly store: KbStore;
  readonly model: LinkingModel;
  readonly asked: Reembedding;
  readonly watch: ReembedWatch;
  readonly parts: PublishParts;
}

class Publication {
  private readonly meter: ReembedMeter;
  private readonly folder: string;
  private readonly version: string;

  constructor(private readonly options: PublicationOptions) {
    const { store, asked, parts } = options;
    this.meter = new ReembedMeter(store, asked.target);
    this.folder = parts.catalog.derivedFolder(store.name);
    this.version = asked.target;
  }

  async run(signal: AbortSignal): Promise<boolean> {
    const { store } = this.options;
    if (!(await this.hasFreshIndex()) && !(await this.build(signal))) return false;
    const { sequence } = await store.info();
    if (!(await this.check(signal))) return false;
    const isActive = await this.activate(sequence, signal);
    await this.meter.settled();
    if (isActive) await dropOldVectors(store, this.folder);
    return isActive;
  }

  private async hasFreshIndex(): Promise<boolean> {
    const { store } = this.options;
    const { sequence } = await store.info();
    const snapshots = await listSnapshots(this.folder, this.version);
    const newest = snapshots.find(({ kbSequence }) => kbSequence <= sequence);
    if (newest === undefined) return false;
    const changes = await store.changesSince(newest.kbSequence, FRESH_CHANGES + 1);
    return changes.length <= FRESH_CHANGES;
  }

  /** Gives what `embedMissing` does. */
  private async build(signal: AbortSignal): Promise<boolean> {
    const { store, model, watch } = this.options;
    const { sequence: kbSequence, entities } = await store.info();
    // After the sequence was read: all that it counts is in the index then, and what is written later is a change.
    if (!(await this.embedMissing(signal))) return false;
    const visible = { withStaged: false };
    this.meter.say('index', 0, entities);
    const { dimensions } = model.manifest;
    try {
      await buildSnapshot(
        this.folder,
        { modelVersion: this.version, dimensions, kbSequence },
        store.vectors.scan(this.version, visible),
        store.names.scan(visible),
        ({ phase, done }) => {
          watch.assertGoingOn();
          if (phase === 'graph') this.meter.say('index', done, entities);
        },
      );
    } catch (error) {
      if (await this.hasNonVectors()) await this.dropVectors();
      throw error;
    }
    await pruneSnapshots(this.folder, SNAPSHOTS_KEPT);
    return true;
  }

  /** Embeds what was written since its page was; false where that is much, which is for pages. */
  private async embedMissing(signal: AbortSignal): Promise<boolean> {
    const { store, model } = this.options;
    const missing = await store.vectors.entitiesWithout(this.version, {
      afterKey: 0,
      limit: MOST_MISSING,
    });
    if (missing.length === MOST_MISSING) return false;
    await embedKeys(missing, { store, model, signal });
    return true;
  }

  /** Nothing is built of such, and they would be in the way of every later try. */
  private async hasNonVectors(): Promise<boolean> {
    const { store, model } = this.options;
    const { dimensions } = model.manifest;
    const visible = { withStaged: false };
    for await (const { keys, vectors } of store.vectors.scan(this.version, visible)) {
      for (const row of keys.keys()) {
        const vector = vectors.subarray(row * dimensions, (row + 1) * dimensions);
        if (!(Math.abs(Math.hypot(...vector) - 1) < LENGTH_TOLERANCE)) return true;
      }
    }
    return false;
  }

  /** So that they are made anew when somebody asks again; never those that requests are answered with. */
  private async dropVectors(): Promise<void> {
    const { store } = this.options;
    const { active } = await store.models.state();
    if (active === this.version) return;
    const others = [...(await store.vectors.models()).keys()].filter((one) => one !== this.version);
    await store.vectors.keepOnly(others);
  }

  /** Opens the KB as every process will; false where much wants a vector. */
  private async check(signal: AbortSignal): Promise<boolean> {
    if (!(await this.embedMissing(signal))) return false;
    const kb = await this.open();
    try {
      const report = await this.examined(kb);
      const { name } = this.options.store;
      this.options.parts.log.info('A new index was checked.', { kb: name, ...report });
      if (faultOf(report) === null) return true;
      await this.removeFaulty(report);
      throw failedCheck(report);
    } finally {
      await kb.close();
    }
  }

  /** With what is written at this moment it need not wait for: the swap does. */
  private async open(): Promise<KnowledgeBase> {
    const { store, model } = this.options;
    const warnings: string[] = [];
    const kb = await KnowledgeBase.open({
      store,
      model: model.identity,
      derivedFolder: this.folder,
      onWarning: (message) => warnings.push(message),
      changesBeforeSnapshot: Infinity,
      withUnembedded: true,
    });
    if (kb.versions().index.startsWith('snapshot-')) return kb;
    await kb.close();
    throw new ReferentError(
      'index-invalid',
      `The new index cannot be opened. ${warnings.join(' ')}`,
    );
  }

  private examined(kb: KnowledgeBase): Promise<IndexReport> {
    const { store, model, watch } = this.options;
    return kb.read(async (index) => {
      const keys = await sampleKeys(this.folder, this.version, SAMPLE);
      this.meter.say('check', 0, keys.length);
      const onProgress = (done: number, total: number) => {
        watch.assertGoingOn();
        this.meter.say('check', done, total);
      };
      const report = await checkIndex({ index, store, model, keys, onProgress });
      this.meter.recall = report.recall;
      return report;
    });
  }

  private async removeFaulty(report: IndexReport): Promise<void> {
    await removeSnapshots(this.folder, this.version);
    if (faultOf(report) === 'vectors') await this.dropVectors();
  }

  /** Entities that were written since the check are few and embedded here; then no other may come in between. */
  private async activate(since: number, signal: AbortSignal): Promise<boolean> {
    const { store, model, watch } = this.options;
    this.meter.say('swap', 0, 1);
    let from = since;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await watch.check();
      const { sequence } = await store.info();
      const changes = await store.changesSince(from, FRESH_CHANGES);
      await embedKeys(
        changes.filter(({ kind }) => kind === 'upsert').map(({ key }) => key),
        { store, model, signal },
      );
      from = changes.length < FRESH_CHANGES ? sequence : (changes.at(-1)?.sequence ?? sequence);
      const { missing } = await activated(store, this.version);
      if (missing === 0) return (await store.models.state()).active === this.version;
      if (changes.length === 0) return false;
    }
    return false;
  }
}

/** While an import runs it is as if all its entities were missing. */
async function activated(store: KbStore, version: string): Promise<{ readonly missing: number }> {
  try {
    return await store.models.activate(version);
  } catch (error) {
    if (error instanceof ReferentError && error.code === 'busy') return { missing: Infinity };
    throw error;
  }
}

/** Keeps what a rollback needs, and what is under way. */
async function dropOldVectors(store: KbStore, folder: string): Promise<void> {
  const { active, previous, reembedding } = await store.models.state();
  const kept = [active, previous, reembedding?.target].filter((one) => typeof one === 'string');
  await store.vectors.keepOnly(kept);
  await keepSnapshotsOf(folder, kept);
}
