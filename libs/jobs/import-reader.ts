import type { EntityRecord } from '../contract/entity.js';
import { MAX_RECORD_BYTES, parseRecord, TOO_LONG } from './import-record.js';
import { contentOf, type ImportSource } from './import-source.js';
import { rowsOf } from './import-table.js';
import { jsonLines } from './json-lines.js';

export interface ReadRecord {
  readonly line: number;
  readonly record: EntityRecord;
}

export interface ReadProblem {
  readonly line: number;
  readonly reason: string;
}

/** Some records of a source, in its order, and the bad lines among them. */
export interface RecordPage {
  readonly records: readonly ReadRecord[];
  readonly problems: readonly ReadProblem[];
  /** Fields that no entity has; they were kept in `data`. */
  readonly unknownFields: ReadonlySet<string>;
  /** Bytes of the source read so far, compressed where it is. */
  readonly bytes: number;
}

/** Both bound the memory: by the number of records, and by their size. */
const PAGE_RECORDS = 512;
const PAGE_BYTES = 4 * 1024 * 1024;

/**
 * Reads JSON Lines, CSV or TSV, plain or gzip, page by page. A bad line is reported and the reading goes on;
 * `import-failed` where the source itself breaks off.
 */
export async function* readRecords(source: ImportSource): AsyncGenerator<RecordPage> {
  let bytes = 0;
  const content = contentOf(source, (count) => (bytes += count));
  let page = new PageBuilder();
  for await (const rows of parsedRows(content, source)) {
    for (const row of rows) {
      page.add(row);
      if (!page.isFull) continue;
      yield page.build(bytes);
      page = new PageBuilder();
    }
  }
  yield page.build(bytes);
}

interface ParsedRow {
  readonly line: number;
  readonly size: number;
  readonly value?: unknown;
  readonly reason?: string | undefined;
}

class PageBuilder {
  private readonly records: ReadRecord[] = [];
  private readonly problems: ReadProblem[] = [];
  private readonly unknownFields = new Set<string>();
  private size = 0;

  get isFull(): boolean {
    return this.records.length + this.problems.length >= PAGE_RECORDS || this.size >= PAGE_BYTES;
  }

  add(row: ParsedRow): void {
    this.size += row.size;
    const parsed = row.reason === undefined ? parseRecord(row.value) : { reason: row.reason };
    if ('reason' in parsed) {
      this.problems.push({ line: row.line, reason: parsed.reason });
      return;
    }
    parsed.unknownFields.forEach((field) => this.unknownFields.add(field));
    this.records.push({ line: row.line, record: parsed.record });
  }

  build(bytes: number): RecordPage {
    const { records, problems, unknownFields } = this;
    return { records, problems, unknownFields, bytes };
  }
}

async function* parsedRows(
  content: AsyncIterable<Buffer>,
  source: ImportSource,
): AsyncGenerator<Iterable<ParsedRow>> {
  const { name, format } = source;
  if (format === 'jsonl') {
    yield* jsonLines(content, { name, maxBytes: MAX_RECORD_BYTES, tooLong: TOO_LONG });
    return;
  }
  const delimiter = format === 'csv' ? ',' : '\t';
  for await (const row of rowsOf(content, { name, delimiter })) yield [row];
}
