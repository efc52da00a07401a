import { ReferentError } from '../contract/errors.js';
import {
  adoptSnapshot,
  buildSnapshot,
  dropPending,
  dropSnapshotsAfter,
  listSnapshots,
  pendingRoot,
  pruneSnapshots,
} from '../index/snapshot.js';
import type { CommitReport, DuplicateId, KbStore } from '../kb/kb-store.js';
import { Embedder, type EntityEncoder } from './embedder.js';
import { ProgressMeter, type OnImportProgress } from './import-progress.js';
import { readRecords, type RecordPage } from './import-reader.js';
import { ProblemLog, type ImportProblem, type ImportReport } from './import-report.js';
import { totalBytes, type ImportSource } from './import-source.js';

export interface ImportOptions {
  readonly store: KbStore;
  readonly model: EntityEncoder;
  /** Where the KB's index snapshots are (`KbCatalog.derivedFolder`). */
  readonly derivedFolder: string;
  readonly sources: readonly ImportSource[];
  /** Stop at the first bad line. */
  readonly strict?: boolean;
  /** Stops the import as soon as the few entities under way are encoded; what is encoded is kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: OnImportProgress;
  readonly onProblem?: (problem: ImportProblem) => void;
}

/**
 * Imports files into a KB: stage, encode what has no vector, build the index where much changed, commit. Everything
 * becomes visible in the commit or not at all; vectors are kept in any case, so that a second run goes on where a
 * killed one was. `busy` while another import runs; `model-mismatch` where the KB is searched with another model's
 * vectors; `import-failed` where a source breaks off or the signal fires.
 */
export async function importEntities(options: ImportOptions): Promise<ImportReport> {
  const { store, derivedFolder } = options;
  await store.imports.begin();
  try {
    const { sequence, activeModel } = await store.info();
    assertActive(options, activeModel);
    await dropPending(derivedFolder);
    await dropSnapshotsAfter(derivedFolder, sequence);
    const report = await new ImportRun(options).run();
    await pruneSnapshots(derivedFolder, SNAPSHOTS_KEPT);
    return report;
  } catch (error) {
    await store.imports.discard();
    throw error;
  }
}

/** From here on it stays so: a KB's model does not change while an import runs. */
function assertActive({ store, model }: ImportOptions, activeModel: string | null): void {
  const { version } = model.manifest;
  if (activeModel === null || activeModel === version) return;
  throw new ReferentError(
    'model-mismatch',
    `The knowledge base '${store.name}' is searched with model ${activeModel}, and this import would embed under ` +
      `${version}: run it again, it takes the KB's model.`,
  );
}

/** The newest, and the one before it for a process that is still on it. */
const SNAPSHOTS_KEPT = 2;
/** A new snapshot where more than this share, or this number, of entities would have to be searched beside the old. */
const CHANGED_SHARE = 0.1;
const CHANGED_MAX = 5_000;

class ImportRun {
  private readonly embedder: Embedder;
  private readonly meter: ProgressMeter;
  private readonly log: ProblemLog;
  private readonly unknownFields = new Set<string>();
  private records = 0;
  private bytes = 0;

  constructor(private readonly options: ImportOptions) {
    const { model, store, sources } = options;
    this.embedder = new Embedder(model, store.vectors, {
      onEncoded: () => {
        this.reportReading();
      },
      assertGoingOn: () => {
        this.assertGoingOn();
      },
    });
    this.meter = new ProgressMeter(totalBytes(sources), options.onProgress ?? (() => undefined));
    this.log = new ProblemLog(options.onProblem ?? (() => undefined));
  }

  async run(): Promise<ImportReport> {
    const started = performance.now();
    await this.readAll();
    const read = performance.now();
    const coming = await this.options.store.imports.preview();
    const index = await this.indexIfDue(coming);
    this.assertGoingOn();
    const built = performance.now();
    const committed = await this.commit(index);
    const { embedder, log, records } = this;
    return {
      ...committed,
      records,
      encoded: embedder.encoded,
      badLines: log.badLines,
      duplicates: log.duplicates,
      problems: log.first,
      indexed: index !== null,
      seconds: {
        read: (read - started) / 1000,
        index: (built - read) / 1000,
        commit: (performance.now() - built) / 1000,
      },
    };
  }

  private async readAll(): Promise<void> {
    try {
      for (const [index, source] of this.options.sources.entries()) {
        await this.readSource(index, source);
      }
      await this.embedder.finish();
    } catch (error) {
      await this.embedder.settle();
      throw error;
    }
  }

  private async readSource(index: number, source: ImportSource): Promise<void> {
    const bytesBefore = this.bytes;
    for await (const page of readRecords(source)) {
      this.assertGoingOn();
      this.reportProblems(page, source);
      await this.take(page, index);
      this.bytes = bytesBefore + page.bytes;
      this.reportReading();
    }
  }

  private async take(page: RecordPage, source: number): Promise<void> {
    const records = page.records.map(({ record }) => record);
    const positions = page.records.map(({ line }) => positionOf(source, line));
    const staged = await this.options.store.imports.add(records, positions);
    staged.duplicates.forEach((duplicate) => {
      this.reportDuplicate(duplicate);
    });
    this.records += records.length;
    await this.embedder.add(records, staged.contentHashes);
  }

  private reportProblems(page: RecordPage, { name }: ImportSource): void {
    for (const { line, reason } of page.problems) {
      this.log.add({ kind: 'bad-line', source: name, line, reason });
      if (this.options.strict === true) throw badLine(name, line, reason);
    }
    const line = page.records[0]?.line ?? 0;
    for (const field of page.unknownFields) {
      if (this.unknownFields.has(field) || this.unknownFields.size >= MAX_FIELDS) continue;
      this.unknownFields.add(field);
      const reason = `field ${JSON.stringify(field)} is not known and is kept in data (from about here)`;
      this.log.add({ kind: 'unknown-field', source: name, line, reason });
    }
  }

  private reportDuplicate({ id, earlier, later }: DuplicateId): void {
    const [before, after] = [this.placeOf(earlier), this.placeOf(later)];
    const reason = `id ${JSON.stringify(id)} is also in ${before.source}, line ${before.line}; this later one counts`;
    this.log.add({ kind: 'duplicate-id', ...after, reason });
  }

  private placeOf(position: number): { source: string; line: number } {
    const source = this.options.sources[Math.floor(position / LINES_A_SOURCE)]?.name ?? '';
    return { source, line: position % LINES_A_SOURCE };
  }

  private reportReading(): void {
    const { encoded, pending } = this.embedder;
    const phase = encoded + pending > 0 ? 'encode' : 'read';
    const taken = { records: this.records, bytes: this.bytes };
    this.meter.reading(phase, Math.max(0, this.records - pending), taken);
  }

  /** Gives the folder of an index that nobody sees yet; null where none is due. */
  private async indexIfDue(coming: CommitReport): Promise<string | null> {
    if (!(await this.isIndexDue(coming))) return null;
    const { store, model, derivedFolder } = this.options;
    const { entities } = await store.info();
    const { version, dimensions } = model.manifest;
    const total = entities + coming.added;
    this.meter.report('index', 0, total);
    return buildSnapshot(
      pendingRoot(derivedFolder),
      { modelVersion: version, dimensions, kbSequence: coming.sequence },
      store.vectors.scan(version, { withStaged: true }),
      store.names.scan({ withStaged: true }),
      ({ phase, done }) => {
        this.assertGoingOn();
        if (phase === 'graph') this.meter.report('index', done, total);
      },
    );
  }

  private async isIndexDue(coming: CommitReport): Promise<boolean> {
    const { store, model, derivedFolder } = this.options;
    const entities = (await store.info()).entities + coming.added;
    const [newest] = await listSnapshots(derivedFolder, model.manifest.version);
    if (newest === undefined) return entities > 0;
    const behind = coming.sequence - newest.kbSequence;
    return behind > CHANGED_MAX || behind > entities * CHANGED_SHARE;
  }

  /** The index becomes one of the KB's as soon as what it holds is visible, and not before. */
  private commit(index: string | null): Promise<CommitReport> {
    const { store, derivedFolder } = this.options;
    return store.imports.commit({
      onProgress: (done, total) => {
        this.meter.report('commit', done, total);
      },
      onVisible: async () => {
        if (index !== null) await adoptSnapshot(derivedFolder, index);
      },
    });
  }

  private assertGoingOn(): void {
    const { signal } = this.options;
    if (signal?.aborted !== true) return;
    throw new ReferentError(
      'import-failed',
      'The import was stopped: the knowledge base is as it was. What is encoded is kept; run it again to go on.',
      { cause: signal.reason },
    );
  }
}

const MAX_FIELDS = 100;

/** A position in all sources as one number: no source has a billion lines of records. */
const LINES_A_SOURCE = 1e10;

function positionOf(source: number, line: number): number {
  return source * LINES_A_SOURCE + line;
}

function badLine(source: string, line: number, reason: string): ReferentError {
  return new ReferentError(
    'import-failed',
    `${source}, line ${line}: ${reason}. The import was strict: nothing of it became visible.`,
  );
}
