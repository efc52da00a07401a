import type { Settings } from '../../../libs/config/settings.js';
import type { AnnotateOptions } from '../../../libs/contract/annotate.js';
import { annotateLines } from '../../../libs/batches/annotate-lines.js';
import { readLine } from '../../../libs/batches/read-line.js';
import { ResultsFile, type LastResult } from '../../../libs/batches/results-file.js';
import { contentOf, fileSource, streamSource } from '../../../libs/jobs/import-source.js';
import { jsonLines } from '../../../libs/jobs/json-lines.js';
import type { BatchEntry } from '../../../libs/kb/batch-store.js';
import { usageError } from '../exit.js';
import { interruptible } from '../interrupt.js';
import { writeNote, writeResult } from '../output.js';
import { grouped, ProgressBar } from '../progress.js';
import { withSession } from '../session.js';

export interface BatchRun {
  /** A path, or - for stdin. */
  readonly input: string;
  /** Results go to stdout where absent. */
  readonly out: string | undefined;
  readonly kb: string | undefined;
  readonly options: AnnotateOptions;
}

interface Counts {
  done: number;
  failed: number;
  /** Of the input: lines read, and bytes, as they are in the file. */
  lines: number;
  bytes: number;
}

/** So long at most a result waits to be written: no more is lost by a kill. */
const WRITE_EVERY_MS = 500;
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const TOO_LONG = `longer than ${MAX_LINE_BYTES} bytes; split the text`;

/** `referent annotate --batch` */
export async function annotateBatch(settings: Settings, run: BatchRun): Promise<void> {
  const target = run.out === undefined ? null : await ResultsFile.open(run.out);
  const advice =
    run.out === undefined
      ? 'What was printed is whole.'
      : `What is in ${run.out} stays; run the same command to go on.`;
  try {
    await interruptible(advice, (signal) =>
      withSession(settings, run.kb, ({ linker }) => {
        if (run.input === '-') signal.addEventListener('abort', () => process.stdin.destroy());
        const work = { linker, options: run.options, width: settings.maxConcurrent, signal };
        return new Batch(settings, run, target).work(work);
      }),
    );
  } finally {
    await target?.close();
  }
}

class Batch {
  private readonly counts: Counts = { done: 0, failed: 0, lines: 0, bytes: 0 };
  private readonly bar = new ProgressBar({ label: 'Annotating', unit: 'texts' });
  private wroteAt = performance.now();

  constructor(
    private readonly settings: Settings,
    private readonly run: BatchRun,
    private readonly target: ResultsFile | null,
  ) {}

  async work(work: Parameters<typeof annotateLines>[1]): Promise<void> {
    const source = this.run.input === '-' ? stdin() : await fileSource(this.run.input);
    const { counts, bar } = this;
    const last = this.target?.last ?? null;
    if (last !== null) writeNote(`Going on after line ${grouped(last.line)}.`);
    const entries = this.entries(contentOf(source, (bytes) => (counts.bytes += bytes), ADVICE));
    try {
      for await (const { text, versions } of annotateLines(unanswered(entries, last), work)) {
        counts.done += 1;
        if (versions === null) counts.failed += 1;
        await this.write(text);
        bar.update({ done: counts.done, total: this.total(source.bytes) });
      }
    } finally {
      bar.clear();
    }
    this.report(last);
  }

  private async *entries(content: AsyncIterable<Buffer>): AsyncGenerator<BatchEntry> {
    const { limits } = this.settings;
    const { offsetUnit } = this.run.options;
    const how = { name: this.run.input, maxBytes: MAX_LINE_BYTES, tooLong: TOO_LONG };
    for await (const lines of jsonLines(content, how)) {
      for (const line of lines) {
        this.counts.lines += 1;
        yield readLine(line, { limits, offsetUnit });
      }
    }
  }

  private async write(text: string): Promise<void> {
    if (this.target === null) {
      await writeResult(text);
      return;
    }
    await this.target.add(text);
    if (performance.now() - this.wroteAt < WRITE_EVERY_MS) return;
    this.wroteAt = performance.now();
    await this.target.write();
  }

  /** Of this run; a guess from the bytes. */
  private total(bytes: number | null): number | null {
    const { done, lines, bytes: read } = this.counts;
    if (bytes === null || read === 0) return null;
    const before = lines - done;
    return Math.max(done, Math.round((lines * bytes) / read) - before);
  }

  private report(last: LastResult | null): void {
    const { done, failed, lines } = this.counts;
    if (lines === 0) throw usageError(`There is no document in ${this.run.input}.`);
    const earlier = last === null ? '' : ` after those of line ${grouped(last.line)}`;
    const faults = failed === 0 ? '' : `, ${grouped(failed)} of them with an error`;
    writeNote(`${grouped(done)} results${earlier}${faults}.`);
  }
}

const ADVICE = 'fetch it again and run the command again.';

const stdin = () => streamSource(process.stdin);

/** Entries after the last that has a result, which must be of this input. */
async function* unanswered(
  entries: AsyncIterable<BatchEntry>,
  last: LastResult | null,
): AsyncGenerator<BatchEntry> {
  let isFound = last === null;
  for await (const entry of entries) {
    if (last !== null && entry.line <= last.line) {
      isFound ||= entry.line === last.line && idOf(entry) === last.id;
      continue;
    }
    if (!isFound) break;
    yield entry;
  }
  if (isFound) return;
  throw usageError(
    `The results are of another input: their last is of line ${last?.line ?? 0}, id ${JSON.stringify(last?.id)}. Name another file with --out.`,
  );
}

const idOf = (entry: BatchEntry) => ('document' in entry ? entry.document.id : entry.id);
