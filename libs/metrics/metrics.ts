import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { documentLinked, stepTaken } from '../linking/linking-events.js';
import type { OpenKbState } from '../linking/open-kbs.js';
import type { QueueCounts } from '../queue/work-queue.js';
import { inTime } from './in-time.js';
import { FigureBook } from './registry.js';

/** What is asked when somebody looks; each part of it may be missing in a process that has none. */
export interface MetricSources {
  readonly lines?: Readonly<Record<string, LineLike>>;
  readonly model?: ModelLike;
  readonly kbs?: KbsLike;
  /** Entities by knowledge base. */
  readonly entities?: () => Promise<ReadonlyMap<string, number>>;
  readonly queue?: { counts(): Promise<readonly QueueCounts[]> };
}

interface LineLike {
  readonly state: { readonly requests: number; readonly working: number; readonly refused: number };
}

interface ModelLike {
  readonly demand: { readonly requests: number; readonly batchesInFlight: number };
  /** null where nothing is kept. */
  readonly cacheState: CacheLike | null;
}

interface CacheLike {
  readonly hits: Readonly<Record<string, number>>;
  readonly misses: Readonly<Record<string, number>>;
  readonly bytes: number;
}

interface KbsLike {
  states(): readonly OpenKbState[];
  secondsSinceLook(): number | null;
}

export interface DoneRequest {
  readonly method: string;
  /** A template of the API, never a path. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
  /** Lasts as long as a job does, and says nothing of how fast we are. */
  readonly isStream: boolean;
}

/** What is outside this process may take so long to answer a scrape. */
const PATIENCE_MS = 2_000;

/** Node looks so often, and counts the time between two looks, this pause included. */
const LAG_RESOLUTION_MS = 10;

/** Counts what happens in this process, and answers it as Prometheus wants it. */
export class Metrics {
  private readonly book = new FigureBook();
  private readonly lag: IntervalHistogram = monitorEventLoopDelay({
    resolution: LAG_RESOLUTION_MS,
  });
  private readonly endings: readonly (() => void)[];
  private scraping: Promise<string> | null = null;

  constructor(private readonly sources: MetricSources = {}) {
    this.lag.enable();
    this.endings = [
      stepTaken.listen(({ step, milliseconds }) => {
        this.book.observe('referent_step_duration_seconds', milliseconds / 1000, { step });
      }),
      documentLinked.listen((linked) => {
        this.countDocument(linked);
      }),
    ];
  }

  get contentType(): string {
    return this.book.contentType;
  }

  requestDone({ method, route, status, seconds, isStream }: DoneRequest): void {
    this.book.count('referent_http_requests_total', { method, route, status: String(status) });
    if (isStream) return;
    this.book.observe('referent_http_request_duration_seconds', seconds, { method, route });
  }

  rateLimited(): void {
    this.book.count('referent_rate_limited_total');
  }

  /** The text format. Scrapes at the same time share one look. */
  text(): Promise<string> {
    this.scraping ??= this.look().finally(() => {
      this.scraping = null;
    });
    return this.scraping;
  }

  close(): void {
    for (const end of this.endings) end();
    this.lag.disable();
  }

  private async look(): Promise<string> {
    this.lookAtProcess();
    this.lookAtLines();
    this.lookAtModel();
    await Promise.all([this.lookAtKbs(), this.lookAtQueue()]);
    return this.book.text();
  }

  private countDocument(
    linked: Readonly<Record<'pairsScored' | 'mentions' | 'links', number>> & {
      isDegraded: boolean;
    },
  ): void {
    const { pairsScored, mentions, links, isDegraded } = linked;
    this.book.count('referent_documents_total');
    this.book.count('referent_mentions_total', {}, mentions);
    this.book.count('referent_links_total', {}, links);
    this.book.count('referent_nils_total', {}, mentions - links);
    this.book.count('referent_pairs_scored_total', {}, pairsScored);
    if (isDegraded) this.book.count('referent_degraded_documents_total');
  }

  private lookAtProcess(): void {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    this.book.set('referent_process_resident_memory_bytes', rss);
    this.book.set('referent_process_heap_used_bytes', heapUsed);
    this.book.set('referent_process_cpu_seconds_total', (user + system) / 1e6);
    this.book.set('referent_process_start_time_seconds', performance.timeOrigin / 1000);
    for (const [quantile, percent] of QUANTILES) {
      const late = this.lag.count === 0 ? 0 : this.lag.percentile(percent) / 1e9;
      const seconds = Math.max(0, late - LAG_RESOLUTION_MS / 1000);
      this.book.set('referent_event_loop_lag_seconds', seconds, { quantile });
    }
    this.lag.reset();
  }

  private lookAtLines(): void {
    for (const [line, { state }] of Object.entries(this.sources.lines ?? {})) {
      this.book.set('referent_line_requests', state.requests, { line });
      this.book.set('referent_line_working', state.working, { line });
      this.book.set('referent_line_refused_total', state.refused, { line });
    }
  }

  private lookAtModel(): void {
    if (this.sources.model === undefined) return;
    const { demand, cacheState } = this.sources.model;
    const { requests, batchesInFlight } = demand;
    this.book.set('referent_model_requests', requests);
    this.book.set('referent_model_batches_in_flight', batchesInFlight);
    if (cacheState !== null) this.lookAtCache(cacheState);
  }

  private lookAtCache({ hits, misses, bytes }: CacheLike): void {
    for (const [cache, count] of Object.entries(hits))
      this.book.set('referent_cache_hits_total', count, { cache });
    for (const [cache, count] of Object.entries(misses))
      this.book.set('referent_cache_misses_total', count, { cache });
    this.book.set('referent_cache_bytes', bytes);
  }

  private async lookAtKbs(): Promise<void> {
    const { kbs, entities } = this.sources;
    const counted = entities && (await inTime(entities(), PATIENCE_MS));
    for (const name of KB_FIGURES) this.book.clear(name);
    for (const [kb, count] of counted ?? []) this.book.set('referent_kb_entities', count, { kb });
    for (const { name: kb, sequence, indexChanges } of kbs?.states() ?? []) {
      this.book.set('referent_kb_sequence', sequence, { kb });
      this.book.set('referent_kb_index_changes', indexChanges, { kb });
    }
    this.book.set('referent_kb_follow_age_seconds', kbs?.secondsSinceLook() ?? 0);
  }

  private async lookAtQueue(): Promise<void> {
    const { queue } = this.sources;
    if (queue === undefined) return;
    const counts = await inTime(queue.counts(), PATIENCE_MS);
    this.book.set('referent_queue_up', counts === null ? 0 : 1);
    for (const figure of QUEUE_FIGURES) this.book.clear(figure);
    for (const { queue: name, waiting, active, failed, workers } of counts ?? []) {
      this.book.set('referent_queue_workers', workers, { queue: name });
      for (const [state, jobs] of Object.entries({ waiting, active, failed })) {
        this.book.set('referent_queue_jobs', jobs, { queue: name, state });
      }
    }
  }
}

const KB_FIGURES = [
  'referent_kb_entities',
  'referent_kb_sequence',
  'referent_kb_index_changes',
] as const;

const QUEUE_FIGURES = ['referent_queue_jobs', 'referent_queue_workers'] as const;

const QUANTILES = [
  ['0.5', 50],
  ['0.99', 99],
  ['1', 100],
] as const;
