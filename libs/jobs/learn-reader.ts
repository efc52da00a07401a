import { ReferentError } from '../contract/errors.js';
import { labelledDocument } from '../contract/labelled.js';
import { labelFault } from '../linking/labels.js';
import { lessonOf, type Lesson } from '../linking/lessons.js';
import { contentOf, type ImportSource } from './import-source.js';
import { jsonLines, type JsonLine } from './json-lines.js';

export interface ReadLesson {
  readonly line: number;
  readonly lesson: Lesson;
}

/** Some labelled texts of a source, in its order, and the bad lines among them. */
export interface LessonPage {
  readonly lessons: readonly ReadLesson[];
  readonly problems: readonly { readonly line: number; readonly reason: string }[];
  /** Bytes of the source read so far, compressed where it is. */
  readonly bytes: number;
}

/** Both bound the memory and how long a page's transaction takes: by the number of texts, and by their size. */
const PAGE_LESSONS = 256;
const PAGE_BYTES = 2 * 1024 * 1024;
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const TOO_LONG = `longer than ${MAX_LINE_BYTES.toLocaleString('en-US')} bytes; split the text`;
const ADVICE =
  'fetch it again and run the command again. What was learned of it stays and is not counted twice.';

/** Reads JSON Lines of labelled texts, plain or gzip, page by page; a bad line is reported and the reading goes on. */
export async function* readLessons(source: ImportSource): AsyncGenerator<LessonPage> {
  assertJsonLines(source);
  let bytes = 0;
  const content = contentOf(source, (count) => (bytes += count), ADVICE);
  let page = new PageBuilder();
  const options = { name: source.name, maxBytes: MAX_LINE_BYTES, tooLong: TOO_LONG };
  for await (const lines of jsonLines(content, options)) {
    for (const line of lines) {
      page.add(line);
      if (!page.isFull) continue;
      yield page.build(bytes);
      page = new PageBuilder();
    }
  }
  yield page.build(bytes);
}

function assertJsonLines({ name, format }: ImportSource): void {
  if (format === 'jsonl') return;
  throw new ReferentError(
    'invalid-input',
    `${name} is a table; labelled texts are JSON Lines: {"id", "text", "mentions": [{"start", "end", "entityId"}]}`,
  );
}

class PageBuilder {
  private readonly lessons: ReadLesson[] = [];
  private readonly problems: { line: number; reason: string }[] = [];
  private size = 0;

  get isFull(): boolean {
    return this.lessons.length + this.problems.length >= PAGE_LESSONS || this.size >= PAGE_BYTES;
  }

  add({ line, size, value, reason }: JsonLine): void {
    this.size += size;
    const parsed = reason === undefined ? parseLesson(value) : reason;
    if (typeof parsed === 'string') this.problems.push({ line, reason: parsed });
    else this.lessons.push({ line, lesson: parsed });
  }

  build(bytes: number): LessonPage {
    return { lessons: this.lessons, problems: this.problems, bytes };
  }
}

/** The lesson, or what is wrong with it. */
function parseLesson(value: unknown): Lesson | string {
  const parsed = labelledDocument.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`.replace(/^: /, '');
  }
  const { text, mentions } = parsed.data;
  for (const mention of mentions) {
    const fault = labelFault(text, mention);
    if (fault !== null) return fault;
  }
  return lessonOf(text, mentions);
}
