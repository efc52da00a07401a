import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { DOCUMENTS } from '../service/documents.js';
import { addModel } from '../support/added-model.js';
import { DEMO_FILE, MODEL_FOLDER } from '../support/demo-kb.js';
import { services } from '../support/services.js';
import { median, quantile } from '../support/figures.js';
import { ManagedProcess } from '../support/managed-process.js';
import { MemoryWatch } from './memory.js';
import { LoadBalancer } from './load-balancer.js';
import { Node } from '../support/node.js';
import { ANNOTATED_UNDER, annotateUntilOver, type Baselines } from './readers.js';
import { Tally } from './tally.js';
import { Writer } from './writers.js';

export interface SoakOptions {
  readonly seconds: number;
  readonly clients: number;
  readonly writers: number;
  /** An empty folder. */
  readonly folder: string;
  /** PostgreSQL for the stores; SQLite files where absent. */
  readonly databaseUrl?: string;
  /** What is imported at the beginning; the demo KB where absent. */
  readonly entitiesFile?: string;
  /** An entity that is not linked at another node after so long is wrong; 5 s where absent. */
  readonly linkedWithinMs?: number;
  /** How many of the three kills, in their order; all where absent. */
  readonly kills?: number;
  readonly say?: (what: string) => void;
}

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

export interface SoakReport {
  readonly counts: Readonly<Record<string, number>>;
  /** Empty where all went well. */
  readonly problems: Readonly<Record<string, { count: number; example: string }>>;
  readonly milliseconds: Readonly<Record<string, Quantiles>>;
  readonly secondsToReembed: number;
  readonly memory: readonly { process: string; early: number; late: number }[];
  readonly kills: number;
}

const KB = 'soak';
const SECOND_MODEL = 'referent-v1-short';
/** Processes take up another model within a second of its publication; on a busy machine later. */
const FOLLOWED_WITHIN_MS = 60_000;

/**
 * Two API processes, two workers and Redis over one data folder: clients annotate, others add, change and delete
 * entities, the KB is embedded under another model, and a worker, an API process and a worker are killed with -9 and
 * begun again. Everything that was acknowledged is compared at the end, and `referent verify` has the last word.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { startRedis } = await services();
  const redis = await startRedis();
  const processes: ManagedProcess[] = [];
  try {
    const environment = await prepared(options, redis.url);
    await referent(['import', options.entitiesFile ?? DEMO_FILE, '--kb', KB], environment);
    const apis = [1, 2].map((number) => apiProcess(number, environment));
    const workers = [1, 2].map((number) => workerProcess(number, environment));
    processes.push(...apis, ...workers);
    await Promise.all(processes.map((each) => each.start()));
    return await run({ ...options, environment, apis, workers });
  } finally {
    await Promise.all(processes.map((each) => each.stop()));
    await redis.stop();
  }
}

type Environment = Readonly<Record<string, string>>;

async function prepared(
  { folder, databaseUrl }: SoakOptions,
  redisUrl: string,
): Promise<Environment> {
  const models = join(folder, 'models');
  mkdirSync(models, { recursive: true });
  symlinkSync(resolve(MODEL_FOLDER), join(models, 'referent-v1'));
  await addModel(models, SECOND_MODEL, 300);
  return {
    PORT: '0',
    REDIS_URL: redisUrl,
    REFERENT_DATA_DIR: join(folder, 'data'),
    REFERENT_MODELS_DIR: models,
    REFERENT_LOG_LEVEL: 'error',
    REFERENT_THREADS: '1',
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
  };
}

const apiProcess = (number: number, env: Environment): ManagedProcess =>
  new ManagedProcess({
    name: `api ${number}`,
    args: ['serve'],
    env,
    saysWhenUp: /listens on (http:\S+)/u,
  });

const workerProcess = (number: number, env: Environment): ManagedProcess =>
  new ManagedProcess({
    name: `worker ${number}`,
    args: ['worker'],
    env,
    saysWhenUp: /takes (.+)/u,
  });

interface Run extends SoakOptions {
  readonly environment: Environment;
  readonly apis: readonly ManagedProcess[];
  readonly workers: readonly ManagedProcess[];
}

async function run({ apis, workers, say = () => undefined, ...options }: Run): Promise<SoakReport> {
  const tally = new Tally();
  const nodes = apis.map((api) => new Node(api));
  await Promise.all(nodes.map((node) => node.untilReady()));
  const balancer = new LoadBalancer(nodes);
  const memory = new MemoryWatch();
  let over = false;
  const isOver = () => over;
  const shared = { balancer, kb: KB, tally, isOver };
  const { linkedWithinMs = 5_000 } = options;
  const baselines: Baselines = new Map();
  const writers = Array.from(
    { length: options.writers },
    (_, writer) => new Writer({ ...shared, writer, linkedWithinMs }),
  );
  const atWork = [
    ...Array.from({ length: options.clients }, () =>
      annotateUntilOver({ ...shared, texts: DOCUMENTS }, baselines),
    ),
    ...writers.map((writer) => writer.writeUntilOver()),
    memory.watchUntilOver([...apis, ...workers], isOver),
  ];
  const began = performance.now();
  const at = async (share: number) => {
    await sleep(Math.max(0, began + share * options.seconds * 1_000 - performance.now()));
  };
  const reembedding = at(0.15).then(() => reembed(balancer, say));
  const [first, second] = workers;
  const faults = [
    { share: 0.25, what: 'a worker', killed: first },
    { share: 0.5, what: 'an API process', killed: nodes[1] },
    { share: 0.7, what: 'the other worker', killed: second },
  ].slice(0, options.kills);
  for (const { share, what, killed } of faults) {
    await at(share);
    say(`kill -9 of ${what}`);
    await killed?.killAndRestart();
  }
  await at(1);
  const secondsToReembed = await reembedding;
  await untilBothModelsAnswered(tally);
  over = true;
  await Promise.all(atWork);
  for (const node of nodes) {
    await sleep(1_000);
    for (const writer of writers) await writer.check(node);
  }
  await verified(options.environment, tally);
  return reportOf(tally, { secondsToReembed, memory: memory.growth(), kills: faults.length });
}

/** Asks for it and waits until it is done. Gives the seconds. */
async function reembed(balancer: LoadBalancer, say: (what: string) => void): Promise<number> {
  const began = performance.now();
  say(`re-embedding under ${SECOND_MODEL}`);
  const [node] = balancer.nodes;
  if (node === undefined) throw new Error('no node');
  const { status, body } = await node.ask('POST', `/v1/kbs/${KB}/reembed`, { model: SECOND_MODEL });
  if (status !== 202)
    throw new Error(`re-embedding was refused: ${status} ${JSON.stringify(body)}`);
  for (;;) {
    await sleep(200);
    const answer = await node.ask('GET', `/v1/kbs/${KB}/reembed`);
    const { reembedding } = answer.body as { reembedding: { problem: string | null } | null };
    if (reembedding === null) return (performance.now() - began) / 1_000;
    if (reembedding.problem !== null) throw new Error(`it stopped: ${reembedding.problem}`);
  }
}

/** Clients go on until one has an answer of the second model, so that its links are looked at too. */
async function untilBothModelsAnswered(tally: Tally): Promise<void> {
  const until = performance.now() + FOLLOWED_WITHIN_MS;
  const models = () => [...tally.counts.keys()].filter((what) => what.startsWith(ANNOTATED_UNDER));
  while (models().length < 2) {
    if (performance.now() > until) {
      tally.wrong('no answer of the second model', models().join(', '));
      return;
    }
    await sleep(100);
  }
}

async function verified(environment: Environment, tally: Tally): Promise<void> {
  try {
    await referent(['verify', '--kb', KB], environment);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    tally.wrong('referent verify', `${stdout}${stderr}`);
  }
}

async function referent(args: readonly string[], environment: Environment): Promise<void> {
  await promisify(execFile)(process.execPath, ['bin/referent.mjs', ...args], {
    env: { ...process.env, ...environment },
  });
}

function reportOf(
  tally: Tally,
  rest: Pick<SoakReport, 'secondsToReembed' | 'memory' | 'kills'>,
): SoakReport {
  const quantiles = (what: string): Quantiles => {
    const all = tally.millisecondsOf(what);
    return {
      count: all.length,
      p50: median(all),
      p99: quantile(all, 0.99),
      most: Math.max(...all),
    };
  };
  return {
    ...rest,
    counts: Object.fromEntries(tally.counts),
    problems: Object.fromEntries(tally.problems),
    milliseconds: {
      annotate: quantiles('annotate'),
      write: quantiles('write'),
      'linkable at another node': quantiles('linkable at another node'),
    },
  };
}
