import { createHash, randomUUID } from 'node:crypto';
import type { AnnotateOptions } from '../contract/annotate.js';
import { ReferentError } from '../contract/errors.js';
import { RequestError } from '../contract/problem.js';
import type { SizeLimits } from '../contract/sizes.js';
import type { JsonLine } from '../jobs/json-lines.js';
import type { BatchEntry, BatchIntake } from '../kb/batch-store.js';
import { Pages } from './pages.js';
import { readLine } from './read-line.js';

export interface BatchRequest {
  readonly kb: string;
  readonly options: AnnotateOptions;
  /** The id of the API key that asks; null where there are none. */
  readonly owner: string | null;
  readonly idempotencyKey: string | undefined;
  readonly lines: AsyncIterable<Iterable<JsonLine>>;
}

export interface BatchLimits {
  readonly perDocument: SizeLimits;
  /** Of a batch. */
  readonly maxDocuments: number;
}

export interface ReceivedBatch {
  readonly id: string;
  /** false: the same request had come before, and this is its batch. */
  readonly isNew: boolean;
}

/** Stored at a time: bounds what is in memory, and how long a transaction is. */
const STORE_DOCUMENTS = 1_024;
const STORE_CHARS = 512 * 1024;

/**
 * Stores the documents as they come in. There is a batch when all of them are stored durably, and not before: whatever
 * fails on the way leaves nothing behind.
 * @throws ReferentError `too-large`, `invalid-input` where no line is a document, `job-conflict`.
 */
export async function receiveBatch(
  request: BatchRequest,
  { intake, limits }: { readonly intake: BatchIntake; readonly limits: BatchLimits },
): Promise<ReceivedBatch> {
  const id = randomUUID();
  const { kb, options, owner } = request;
  await intake.begin({ id, kb, options, owner });
  try {
    const hash = await new Reception(id, intake, limits).receive(request);
    const key = request.idempotencyKey;
    const batchKey = key === undefined ? null : { key: ownKey(owner, key), contentHash: hash };
    const accepted = await intake.accept(id, batchKey);
    if (accepted.status === 'other') throw conflict(key ?? '', accepted.id);
    return { id: accepted.id, isNew: accepted.status === 'accepted' };
  } catch (error) {
    await intake.discard(id);
    throw error;
  }
}

/** Two owners may use the same key, and learn nothing of each other. A key has no space. */
const ownKey = (owner: string | null, key: string): string =>
  owner === null ? key : `${owner} ${key}`;

class Reception {
  private readonly pages = new Pages();
  private readonly hash = createHash('sha256');
  private documents = 0;
  private gathered = 0;
  private valid = 0;
  private firstFault: BatchEntry | undefined;

  constructor(
    private readonly id: string,
    private readonly intake: BatchIntake,
    private readonly limits: BatchLimits,
  ) {}

  /** Gives the hash of all that makes the request. */
  async receive({ kb, options, lines }: BatchRequest): Promise<string> {
    this.hash.update(JSON.stringify([kb, options]));
    const asked = { limits: this.limits.perDocument, offsetUnit: options.offsetUnit };
    for await (const some of lines) {
      for (const line of some) {
        this.add(readLine(line, asked));
        if (this.isPlenty) await this.store();
      }
    }
    await this.store();
    this.assertAny();
    return this.hash.digest('hex');
  }

  private get isPlenty(): boolean {
    return this.gathered >= STORE_DOCUMENTS || this.pages.chars >= STORE_CHARS;
  }

  private add(entry: BatchEntry): void {
    this.documents += 1;
    this.gathered += 1;
    if (this.documents > this.limits.maxDocuments) throw tooMany(this.limits.maxDocuments);
    if ('document' in entry) this.valid += 1;
    else this.firstFault ??= entry;
    this.hash.update(`\n${JSON.stringify(entry)}`);
    this.pages.add(entry);
  }

  private async store(): Promise<void> {
    this.gathered = 0;
    const pages = this.pages.take();
    if (pages.length > 0) await this.intake.add(this.id, pages);
  }

  private assertAny(): void {
    if (this.valid > 0) return;
    const first = this.firstFault;
    const detail =
      first === undefined || !('error' in first)
        ? 'there is no document in it: send {"id", "text", "mentions"?} a line.'
        : `no line of it is a document. Line ${first.line}: ${first.error.detail}`;
    throw new RequestError('invalid-input', [{ pointer: '', detail }]);
  }
}

function tooMany(most: number): RequestError {
  const detail = `has more than ${most} documents: send them in several jobs, or raise REFERENT_MAX_JOB_DOCUMENTS.`;
  return new RequestError('too-large', [{ pointer: '', detail }]);
}

function conflict(key: string, id: string): ReferentError {
  return new ReferentError(
    'job-conflict',
    `The Idempotency-Key ${JSON.stringify(key)} is that of job ${id}, which has another content: send this under another key.`,
  );
}
