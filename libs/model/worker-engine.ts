import { SHARE_ENV, Worker } from 'node:worker_threads';
import { ReferentError } from '../contract/errors.js';
import {
  InferenceEngine,
  type EntityBatch,
  type MentionBatch,
  type PairBatch,
  type TagBatch,
  type TokenBatch,
} from './engine.js';
import type { OnnxSettings } from './onnx-engine.js';
import { inferenceWorkerEntry, type WorkerEntry } from './worker-entry.js';
import type { WorkerCall, WorkerReply, WorkerRequest } from './worker-protocol.js';

interface PendingCall {
  readonly resolve: (values: Float32Array) => void;
  readonly reject: (error: Error) => void;
}

/** One running thread and the calls it has not answered yet. */
class InferenceThread {
  private readonly pending = new Map<number, PendingCall>();
  private readonly worker: Worker;
  private readonly exit: Promise<void>;
  private nextId = 0;
  readonly ready: Promise<void>;
  /** Set when the thread has ended; it then takes no calls. */
  failure: ReferentError | undefined;

  constructor(settings: OnnxSettings, entry: WorkerEntry) {
    this.worker = new Worker(entry.url, {
      ...entry.options,
      workerData: settings,
      env: SHARE_ENV,
    });
    this.ready = new Promise((resolve, reject) => {
      this.pending.set(this.nextId++, {
        resolve: () => {
          resolve();
        },
        reject,
      });
    });
    this.ready.catch(() => undefined); // whoever awaits it hears of it; a crash before that must not end the process
    this.exit = new Promise((resolve) =>
      this.worker.once('exit', () => {
        this.fail('it exited');
        resolve();
      }),
    );
    this.worker.on('error', (error) => {
      this.fail(String(error), error);
    });
    this.worker.on('message', (reply: WorkerReply) => {
      this.settle(reply);
    });
  }

  call(request: WorkerRequest): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      this.pending.set(id, { resolve, reject });
      this.worker.ref();
      const message: WorkerCall = { ...request, id };
      this.worker.postMessage(message, buffersOf(request.batch));
    });
  }

  async end(): Promise<void> {
    this.worker.ref();
    if (this.failure === undefined) this.worker.postMessage('close');
    await this.exit;
  }

  private settle(reply: WorkerReply): void {
    const id = reply.kind === 'ready' ? 0 : reply.id;
    const call = this.pending.get(id);
    this.pending.delete(id);
    if (this.pending.size === 0) this.worker.unref(); // an idle thread keeps no process alive
    if (reply.kind === 'failed') call?.reject(batchFailed(reply.message));
    else call?.resolve(reply.kind === 'result' ? reply.values : new Float32Array(0));
  }

  private fail(reason: string, cause?: unknown): void {
    this.failure ??= new ReferentError(
      'not-ready',
      `the inference thread ended (${reason}); it is started again by the next call: repeat this one`,
      { cause },
    );
    for (const call of this.pending.values()) call.reject(this.failure);
    this.pending.clear();
  }
}

function batchFailed(reason: string): ReferentError {
  return new ReferentError(
    'model-invalid',
    `the model cannot compute this batch: ${reason}; restore the model folder if its files were changed`,
  );
}

/** The batch's own columns travel without a copy; the caller must not use them again. */
function buffersOf(batch: TokenBatch): ArrayBuffer[] {
  return Object.values(batch as unknown as Record<string, Int32Array<ArrayBuffer>>).map(
    (column) => column.buffer,
  );
}

/**
 * The engine in a thread of its own, so that the event loop stays free. Calls queue up there in order.
 * When the thread dies, its open calls fail with `not-ready` and the next call starts another.
 */
export class WorkerEngine extends InferenceEngine {
  private thread: InferenceThread;
  private closed = false;

  private constructor(
    private readonly settings: OnnxSettings,
    private readonly entry: WorkerEntry,
  ) {
    super();
    this.thread = new InferenceThread(settings, entry);
  }

  /** Resolves when the graphs are loaded; `model-invalid` where they cannot be. */
  static async start(
    settings: OnnxSettings,
    entry = inferenceWorkerEntry(),
  ): Promise<WorkerEngine> {
    const engine = new WorkerEngine(settings, entry);
    try {
      await engine.thread.ready;
    } catch (cause) {
      const reason = String(cause instanceof Error ? (cause.cause ?? cause) : cause);
      throw new ReferentError(
        'model-invalid',
        `the model's graphs cannot be loaded: ${reason}; check that onnxruntime-node supports this machine`,
        { cause },
      );
    }
    return engine;
  }

  override encodeMentions(batch: MentionBatch): Promise<Float32Array> {
    return this.call({ method: 'encodeMentions', batch });
  }

  override encodeEntities(batch: EntityBatch): Promise<Float32Array> {
    return this.call({ method: 'encodeEntities', batch });
  }

  override scorePairs(batch: PairBatch): Promise<Float32Array> {
    return this.call({ method: 'scorePairs', batch });
  }

  override tagPieces(batch: TagBatch): Promise<Float32Array> {
    return this.call({ method: 'tagPieces', batch });
  }

  override async close(): Promise<void> {
    this.closed = true;
    await this.thread.end();
  }

  private call(request: WorkerRequest): Promise<Float32Array> {
    if (this.closed) return Promise.reject(new ReferentError('not-ready', 'the model is closed'));
    if (this.thread.failure) this.thread = new InferenceThread(this.settings, this.entry);
    return this.thread.call(request);
  }
}
