import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import type { Settings } from '../../libs/config/settings.js';
import type { KeyRing } from '../../libs/access/key-ring.js';
import { isLoopback } from '../../libs/config/loopback.js';
import { entitiesOf } from './metrics/entities-of.js';
import { openCatalog } from '../../libs/kb/open-catalog.js';
import { Metrics } from '../../libs/metrics/metrics.js';
import { Readiness } from '../../libs/metrics/readiness.js';
import { backgroundOf, batchSettings, openWork } from '../../libs/jobs/open-work.js';
import { openBatchStore } from '../../libs/kb/sql-batch-store.js';
import { workersWatch } from '../../libs/queue/watch-workers.js';
import { ModelPool } from '../../libs/model/model-pool.js';
import { cors } from './access/cors.js';
import { gate } from './access/gate.js';
import { knownHostOnly } from './access/hosts.js';
import { identify } from './access/identify.js';
import { openKeys } from './access/open-keys.js';
import { rateLimit } from './access/rate-limit.js';
import { RoleGuard } from './access/role.guard.js';
import { AppModule } from './app.module.js';
import type { Board } from './board/board.js';
import { arrival } from './http/arrival.js';
import { bodyInTime } from './http/arriving-body.js';
import {
  admission,
  knownTypeOnly,
  refuseBrokenUtf8,
  sizes,
  takesJson,
  type Lines,
} from './http/body.js';
import { Draining } from './http/draining.js';
import type { ApiRequest } from './http/exchange.js';
import { answerBrokenRequest } from './http/broken-request.js';
import { jobDocumentLimits } from './jobs/job-limits.js';
import { JsonLog } from './http/json-log.js';
import { portProblem } from './http/port-problem.js';
import { ProblemFilter } from './http/problem.filter.js';
import { StepTimes } from './http/step-times.interceptor.js';
import { WorkLine } from './http/work-line.js';

/** Connections that have nothing under way are looked for so often while the server ends. */
const CLOSE_IDLE_EVERY_MS = 100;

/** The HTTP service: made, not yet listening. */
export class Api {
  constructor(
    private readonly app: NestExpressApplication,
    private readonly settings: Settings,
    private readonly draining: Draining,
  ) {}

  /**
   * Binds, and answers the address, for example `http://127.0.0.1:3210`.
   * @throws ReferentError where the port is taken or not allowed; everything is freed then.
   */
  async listen(): Promise<string> {
    const { host, port } = this.settings;
    try {
      await this.app.listen(port, host.replace(/^\[(.*)\]$/, '$1'));
    } catch (error) {
      await this.close();
      throw portProblem(error, port);
    }
    const address = this.app.getHttpServer().address() as AddressInfo;
    return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  /**
   * Is not ready any more, takes no more connections, lets running requests finish within `shutdownMs`, then frees
   * everything.
   */
  async close(): Promise<void> {
    const server = this.app.getHttpServer();
    this.draining.begin();
    const idle = setInterval(() => {
      server.closeIdleConnections();
    }, CLOSE_IDLE_EVERY_MS);
    const bound = setTimeout(() => {
      server.closeAllConnections();
    }, this.settings.shutdownMs);
    await this.app.close();
    clearInterval(idle);
    clearTimeout(bound);
  }
}

/**
 * Loads the model and opens the store.
 * @throws ReferentError where the model folder, the data folder or the API keys are not usable, and where the address
 * must not be bound without keys.
 */
export async function createApi(
  settings: Settings,
  log = new JsonLog(settings.logLevel),
): Promise<Api> {
  for (const warning of settings.warnings) log.warn(warning);
  const catalog = openCatalog(settings);
  const keys = openKeys(settings, log);
  const lines = linesOf(settings);
  const draining = new Draining();
  const pool = new ModelPool(settings);
  const batches = await openBatchStore(batchSettings(settings));
  const { kbs, queue } = await openWork({ settings, catalog, pool, batches, log });
  const background = backgroundOf({ catalog, pool, queue, batches, log });
  background.caretaker.register('workers', workersWatch(queue, log));
  const entities = entitiesOf(catalog);
  const metrics = new Metrics({ lines: { ...lines }, model: pool, kbs, queue, entities });
  const readiness = new Readiness({ kbs, queue, isEnding: () => draining.isOn });
  const board = await openBoard(settings, log);
  const running = { pool, batches, kbs, queue, ...background };
  const parts = { ...running, board, catalog, keys, metrics, readiness };
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.of({ ...parts, settings, log, line: lines.requests }),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest takes a plain object
    { logger: log, bodyParser: false, abortOnError: false },
  );
  configure(app, { settings, log, lines, draining, keys, metrics, board });
  return new Api(app, settings, draining);
}

function linesOf(settings: Settings): Lines {
  const { maxConcurrent: concurrent, maxWaiting, maxUploads, maxStreams } = settings;
  return {
    requests: new WorkLine({ concurrent, waiting: maxWaiting }),
    uploads: new WorkLine({ concurrent: maxUploads, waiting: 0, setting: 'REFERENT_MAX_UPLOADS' }),
    streams: new WorkLine({ concurrent: maxStreams, waiting: 0, setting: 'REFERENT_MAX_STREAMS' }),
  };
}

/** Its packages are loaded where there is Redis only. */
async function openBoard({ redisUrl, queue }: Settings, log: JsonLog): Promise<Board | null> {
  if (redisUrl === null) return null;
  const { Board } = await import('./board/board.js');
  return new Board({ redisUrl, prefix: queue.prefix, log });
}

interface Edge {
  readonly board: Board | null;
  readonly settings: Settings;
  readonly log: JsonLog;
  readonly lines: Lines;
  readonly draining: Draining;
  readonly keys: KeyRing;
  readonly metrics: Metrics;
}

/** What every request passes, in this order, before it reaches a controller. */
function configure(app: NestExpressApplication, edge: Edge): void {
  const { settings, log, lines, board } = edge;
  app.disable('x-powered-by');
  app.use(
    arrival({
      ...edge,
      onDone: (done) => {
        edge.metrics.requestDone(done);
      },
    }),
    ...accessOf(edge),
  );
  app.use(bodyInTime(settings.requestTimeoutMs), admission(lines), knownTypeOnly);
  app.useBodyParser('json', {
    limit: settings.limits.maxBodyBytes,
    strict: false,
    // `knownTypeOnly` has looked at the label; a body that nothing takes is not read.
    type: (request: ApiRequest) => takesJson(request),
    verify: refuseBrokenUtf8,
  });
  app.use(sizes(settings.limits, jobDocumentLimits(settings)));
  if (board !== null) app.use(board.path, ...board.handlers);
  app.useGlobalGuards(new RoleGuard());
  app.useGlobalInterceptors(new StepTimes());
  app.useGlobalFilters(new ProblemFilter(log, settings.limits.maxBodyBytes));
  const server = app.getHttpServer();
  // `bodyInTime` knows uploads that may take longer; Node still bounds the headers.
  server.requestTimeout = 0;
  server.on('clientError', answerBrokenRequest);
}

/** From where, who, how often, and whether they may. */
function accessOf({ settings: { host, access }, keys, metrics }: Edge) {
  const { allowedHosts, corsOrigins } = access;
  const isStrict = () => allowedHosts.length > 0 || (isLoopback(host) && !keys.isClosed);
  return [
    cors(corsOrigins),
    knownHostOnly({ allowed: allowedHosts, isStrict }),
    identify(keys),
    rateLimit(access, () => {
      metrics.rateLimited();
    }),
    gate(corsOrigins),
  ];
}
