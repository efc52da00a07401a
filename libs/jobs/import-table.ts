import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parse, type CsvError, type Info } from 'csv-parse';
import { ReferentError } from '../contract/errors.js';
import { MAX_RECORD_BYTES, NOT_UTF8 } from './import-record.js';

/** A row of a table as a record to be checked, or what is wrong with it. */
export interface TableRow {
  /** The line on which the row ends. */
  readonly line: number;
  /** Bytes of its cells. */
  readonly size: number;
  readonly value?: Record<string, unknown>;
  readonly reason?: string;
}

interface TableOptions {
  readonly name: string;
  readonly delimiter: ',' | '\t';
}

/** Rows of a CSV or TSV file with a header: id, title, aliases, types, description, prior, url; the rest is data. */
export async function* rowsOf(
  chunks: AsyncIterable<Buffer>,
  options: TableOptions,
): AsyncGenerator<TableRow> {
  const skipped: TableRow[] = [];
  const parser = parse({
    delimiter: options.delimiter,
    encoding: null, // bytes: what is not UTF-8 must be seen, not replaced
    info: true,
    max_record_size: MAX_RECORD_BYTES,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      skipped.push({ line: lineOf(error), size: 0, reason: faultOf(error) });
      return undefined;
    },
  });
  const flow = pipeline(Readable.from(chunks), parser);
  flow.catch(() => undefined); // it rejects the loop below too
  let header: readonly string[] | undefined;
  for await (const row of parser as AsyncIterable<{ record: Buffer[]; info: Info }>) {
    yield* skipped.splice(0);
    if (header === undefined) header = headerOf(row.record, options.name);
    else yield rowOf(row, header);
  }
  yield* skipped;
  await flow;
}

function lineOf(error: CsvError | undefined): number {
  return error !== undefined && typeof error['lines'] === 'number' ? error['lines'] : 0;
}

function faultOf(error: CsvError | undefined): string {
  if (error?.code === 'CSV_MAX_RECORD_SIZE') {
    return `a row of over ${MAX_RECORD_BYTES.toLocaleString('en-US')} bytes: is a quote left open?`;
  }
  return error?.message ?? 'not a row';
}

function headerOf(cells: readonly Buffer[], name: string): readonly string[] {
  const header = cells.map((cell) => cell.toString('utf8').trim());
  if (header.includes('id') && header.includes('title')) return header;
  throw new ReferentError(
    'invalid-input',
    `${name} has the columns ${header.join(', ').slice(0, 200)}; it needs a header line with at least id and title`,
  );
}

function rowOf(row: { record: Buffer[]; info: Info }, header: readonly string[]): TableRow {
  const { lines: line } = row.info;
  const size = row.record.reduce((sum, cell) => sum + cell.length, 0);
  if (!row.record.every(isUtf8)) return { line, size, reason: NOT_UTF8 };
  if (row.record.length > header.length) {
    return { line, size, reason: `${row.record.length} cells under ${header.length} columns` };
  }
  const cells = row.record.map((cell) => cell.toString('utf8').trim());
  const filled = header.flatMap((column, index) => {
    const cell = cells[index];
    return cell === undefined || cell === '' ? [] : [[column, typed(column, cell)]];
  });
  return { line, size, value: Object.fromEntries(filled) as Record<string, unknown> };
}

function typed(column: string, cell: string): unknown {
  if (column === 'aliases' || column === 'types') {
    return cell
      .split('|')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }
  if (column === 'prior') return Number(cell);
  return column === 'data' ? { data: cell } : cell;
}
