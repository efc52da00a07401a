/** All figures there are; docs/metrics.md is made from these lines, and the registry too. */
export interface Figure {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram, in its unit. */
  readonly buckets?: readonly number[];
}

const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const STEP_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export const FIGURES = {
  referent_http_requests_total: {
    kind: 'counter',
    labels: ['method', 'route', 'status'],
    help: 'Requests that were answered; status 499 is a client that left before.',
  },
  referent_http_request_duration_seconds: {
    kind: 'histogram',
    labels: ['method', 'route'],
    buckets: REQUEST_SECONDS,
    help: 'From the arrival of a request to the end of its answer; streams are left out.',
  },
  referent_rate_limited_total: {
    kind: 'counter',
    labels: [],
    help: 'Requests that were refused because their key or address sent too many.',
  },
  referent_line_requests: {
    kind: 'gauge',
    labels: ['line'],
    help: 'Requests that are here, by the line they count in: requests, uploads, streams.',
  },
  referent_line_working: {
    kind: 'gauge',
    labels: ['line'],
    help: 'Documents of requests that are worked on.',
  },
  referent_line_refused_total: {
    kind: 'counter',
    labels: ['line'],
    help: 'Requests that were refused because the line was full (429).',
  },
  referent_step_duration_seconds: {
    kind: 'histogram',
    labels: ['step'],
    buckets: STEP_SECONDS,
    help: 'One step of one document, waiting for the model included.',
  },
  referent_documents_total: {
    kind: 'counter',
    labels: [],
    help: 'Documents that went through all five steps.',
  },
  referent_mentions_total: { kind: 'counter', labels: [], help: 'Mentions that were decided on.' },
  referent_links_total: {
    kind: 'counter',
    labels: [],
    help: 'Mentions that were linked to an entity.',
  },
  referent_nils_total: {
    kind: 'counter',
    labels: [],
    help: 'Mentions of which nothing in the knowledge base was likely enough.',
  },
  referent_pairs_scored_total: {
    kind: 'counter',
    labels: [],
    help: 'Pairs of a mention and an entity that the cross-encoder read.',
  },
  referent_degraded_documents_total: {
    kind: 'counter',
    labels: [],
    help: 'Documents that were decided without the cross-encoder because it did not answer in time.',
  },
  referent_model_requests: {
    kind: 'gauge',
    labels: [],
    help: 'Calls of the model that have batches left.',
  },
  referent_model_batches_in_flight: {
    kind: 'gauge',
    labels: [],
    help: 'Batches that the inference thread has and has not answered.',
  },
  referent_cache_hits_total: {
    kind: 'counter',
    labels: ['cache'],
    help: 'Answers from memory, by what they are of: tag (the tagger on a text), mentions (their vectors), pairs (logits of the cross-encoder), entity (its ids).',
  },
  referent_cache_misses_total: {
    kind: 'counter',
    labels: ['cache'],
    help: 'The same that had to be computed. Both stay 0 with REFERENT_CACHE_MB=0.',
  },
  referent_cache_bytes: {
    kind: 'gauge',
    labels: [],
    help: 'What is kept in memory for such answers, by estimate.',
  },
  referent_kb_entities: {
    kind: 'gauge',
    labels: ['kb'],
    help: 'Entities of each knowledge base.',
  },
  referent_kb_sequence: {
    kind: 'gauge',
    labels: ['kb'],
    help: 'The change that this process has reached.',
  },
  referent_kb_index_changes: {
    kind: 'gauge',
    labels: ['kb'],
    help: 'Entities that differ from the snapshot that the index stands on.',
  },
  referent_kb_follow_age_seconds: {
    kind: 'gauge',
    labels: [],
    help: 'Since the stores were last asked for changes; grows while they cannot be read.',
  },
  referent_queue_up: {
    kind: 'gauge',
    labels: [],
    help: 'Whether the job queues can be asked: 1 or 0.',
  },
  referent_queue_jobs: {
    kind: 'gauge',
    labels: ['queue', 'state'],
    help: 'Jobs by queue and state: waiting, active, failed.',
  },
  referent_queue_workers: {
    kind: 'gauge',
    labels: ['queue'],
    help: 'Processes that take jobs of the queue.',
  },
  referent_process_resident_memory_bytes: {
    kind: 'gauge',
    labels: [],
    help: 'Memory of the process that is in RAM.',
  },
  referent_process_heap_used_bytes: {
    kind: 'gauge',
    labels: [],
    help: 'Of it, JavaScript objects.',
  },
  referent_process_cpu_seconds_total: {
    kind: 'counter',
    labels: [],
    help: 'Processor time of the process, all threads.',
  },
  referent_process_start_time_seconds: {
    kind: 'gauge',
    labels: [],
    help: 'When the process started, in seconds since 1970.',
  },
  referent_event_loop_lag_seconds: {
    kind: 'gauge',
    labels: ['quantile'],
    help: 'How late timers of the main thread were since the last scrape: 0.5, 0.99 and 1.',
  },
} as const satisfies Readonly<Record<string, Figure>>;

export type FigureName = keyof typeof FIGURES;
