import type { KeyRing } from '../../libs/access/key-ring.js';
import type { Settings } from '../../libs/config/settings.js';
import type { Caretaker } from '../../libs/jobs/caretaker.js';
import type { Reembedder } from '../../libs/jobs/reembedder.js';
import type { BatchStore } from '../../libs/kb/batch-store.js';
import type { KbCatalog } from '../../libs/kb/kb-store.js';
import type { OpenKbs } from '../../libs/linking/open-kbs.js';
import type { Metrics } from '../../libs/metrics/metrics.js';
import type { Readiness } from '../../libs/metrics/readiness.js';
import type { ModelPool } from '../../libs/model/model-pool.js';
import type { WorkQueue } from '../../libs/queue/work-queue.js';
import type { Board } from './board/board.js';
import type { JsonLog } from './http/json-log.js';
import type { WorkLine } from './http/work-line.js';

/** What lives as long as the server. */
export interface Parts {
  readonly settings: Settings;
  readonly log: JsonLog;
  readonly line: WorkLine;
  readonly catalog: KbCatalog;
  readonly pool: ModelPool;
  readonly kbs: OpenKbs;
  /** null without Redis. */
  readonly board: Board | null;
  readonly keys: KeyRing;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly queue: WorkQueue;
  readonly caretaker: Caretaker;
  readonly reembedder: Reembedder;
  readonly batches: BatchStore;
}
