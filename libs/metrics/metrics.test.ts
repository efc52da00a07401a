import { afterEach, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../config/package-root.js';
import { documentLinked, stepTaken } from '../linking/linking-events.js';
import { FIGURES, type Figure } from './figures.js';
import { Metrics, type MetricSources } from './metrics.js';
import { metricsTable } from './metrics-table.js';

let metrics: Metrics | undefined;
afterEach(() => metrics?.close());
const start = (sources?: MetricSources) => (metrics = new Metrics(sources));

/** The value of a line of the text format. */
async function value(of: Metrics, line: string): Promise<number | undefined> {
  const found = (await of.text()).split('\n').find((one) => one.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length));
}

it('has exactly the figures of the table, with their kinds', async () => {
  const text = await start().text();
  const found = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => [name, kind]);
  expect(found).toEqual(Object.entries<Figure>(FIGURES).map(([name, { kind }]) => [name, kind]));
});

it('is told in docs/metrics.md; if not: npm run openapi', () => {
  expect(readFileSync(join(packageRoot(), 'docs', 'metrics.md'), 'utf8')).toBe(metricsTable());
});

it('names figures as Prometheus wants them', () => {
  for (const [name, { kind }] of Object.entries<Figure>(FIGURES)) {
    expect(name).toMatch(/^referent_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(kind === 'counter');
    if (kind === 'histogram') expect(name).toMatch(/_seconds$/);
  }
});

it('counts requests by method, route and status, and how long they took', async () => {
  const one = start();
  const done = {
    method: 'POST',
    route: '/v1/annotate',
    status: 200,
    seconds: 0.02,
    isStream: false,
  };
  one.requestDone(done);
  one.requestDone(done);
  one.requestDone({ ...done, status: 429, isStream: true });
  const labels = 'method="POST",route="/v1/annotate"';
  expect(await value(one, `referent_http_requests_total{${labels},status="200"}`)).toBe(2);
  expect(await value(one, `referent_http_requests_total{${labels},status="429"}`)).toBe(1);
  expect(await value(one, `referent_http_request_duration_seconds_count{${labels}}`)).toBe(2);
});

it('counts what the pipeline did', async () => {
  const one = start();
  stepTaken.publish({ step: 'encode', milliseconds: 20 });
  documentLinked.publish({ mentions: 5, links: 3, pairsScored: 40, isDegraded: true });
  expect(await value(one, 'referent_step_duration_seconds_sum{step="encode"}')).toBe(0.02);
  expect(await value(one, 'referent_nils_total')).toBe(2);
  expect(await value(one, 'referent_links_total')).toBe(3);
  expect(await value(one, 'referent_pairs_scored_total')).toBe(40);
  expect(await value(one, 'referent_degraded_documents_total')).toBe(1);
});

it('counts nothing once it is closed', async () => {
  const one = start();
  one.close();
  documentLinked.publish({ mentions: 1, links: 1, pairsScored: 0, isDegraded: false });
  expect(await value(one, 'referent_documents_total')).toBe(0);
});

it('looks at lines, model and KBs when it is asked', async () => {
  const state = { requests: 3, working: 2, refused: 7 };
  const one = start({
    lines: { requests: { state } },
    model: {
      demand: { requests: 4, batchesInFlight: 2 },
      cacheState: { hits: { pairs: 5 }, misses: { pairs: 7, tag: 1 }, bytes: 1_000 },
    },
    kbs: {
      states: () => [{ name: 'demo', sequence: 9, indexChanges: 5 }],
      secondsSinceLook: () => 0.25,
    },
    entities: () => Promise.resolve(new Map([['demo', 809]])),
  });
  expect(await value(one, 'referent_line_requests{line="requests"}')).toBe(3);
  expect(await value(one, 'referent_line_refused_total{line="requests"}')).toBe(7);
  expect(await value(one, 'referent_line_refused_total{line="requests"}')).toBe(7);
  expect(await value(one, 'referent_model_batches_in_flight')).toBe(2);
  expect(await value(one, 'referent_cache_hits_total{cache="pairs"}')).toBe(5);
  expect(await value(one, 'referent_cache_misses_total{cache="tag"}')).toBe(1);
  expect(await value(one, 'referent_cache_bytes')).toBe(1_000);
  expect(await value(one, 'referent_kb_index_changes{kb="demo"}')).toBe(5);
  expect(await value(one, 'referent_kb_entities{kb="demo"}')).toBe(809);
  expect(await value(one, 'referent_kb_follow_age_seconds')).toBe(0.25);
});

it('forgets a KB that is gone', async () => {
  let kbs = [{ name: 'demo', sequence: 9, indexChanges: 5 }];
  const one = start({ kbs: { states: () => kbs, secondsSinceLook: () => 0 } });
  expect(await value(one, 'referent_kb_sequence{kb="demo"}')).toBe(9);
  kbs = [];
  expect(await value(one, 'referent_kb_sequence{kb="demo"}')).toBeUndefined();
});

it('says that the queues are away, and all the rest', async () => {
  let isAway = false;
  const counts = () =>
    isAway
      ? Promise.reject(new Error('gone'))
      : Promise.resolve([
          { queue: 'rerank' as const, waiting: 1, active: 2, failed: 3, workers: 0 },
        ]);
  const one = start({ queue: { counts } });
  expect(await value(one, 'referent_queue_up')).toBe(1);
  expect(await value(one, 'referent_queue_jobs{queue="rerank",state="active"}')).toBe(2);
  expect(await value(one, 'referent_queue_workers{queue="rerank"}')).toBe(0);
  isAway = true;
  expect(await value(one, 'referent_queue_up')).toBe(0);
  expect(await value(one, 'referent_queue_jobs{queue="rerank",state="active"}')).toBeUndefined();
  expect(await value(one, 'referent_queue_workers{queue="rerank"}')).toBeUndefined();
  expect(await value(one, 'referent_process_resident_memory_bytes')).toBeGreaterThan(1e6);
});

it('answers in time when the queues do not', async () => {
  const one = start({ queue: { counts: () => new Promise(() => undefined) } });
  expect(await value(one, 'referent_queue_up')).toBe(0);
});
