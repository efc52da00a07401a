import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import type { Settings } from '../../libs/config/settings.js';
import { LinkingModel } from '../../libs/model/linking-model.js';
import { AppModule } from './app.module.js';
import { arrival } from './http/arrival.js';
import { admission, jsonOnly, refuseBrokenUtf8, sizes, takesBody } from './http/body.js';
import type { ApiRequest } from './http/exchange.js';
import { answerBrokenRequest } from './http/broken-request.js';
import { JsonLog } from './http/json-log.js';
import { portProblem } from './http/port-problem.js';
import { ProblemFilter } from './http/problem.filter.js';
import { WorkLine } from './http/work-line.js';
import { openCatalog } from './linkers/open-catalog.js';

/** How long a client may take to send a request: a slow one holds a place in the line. */
const REQUEST_TIMEOUT_MS = 60_000;

/** The HTTP service: made, not yet listening. */
export class Api {
  constructor(
    private readonly app: NestExpressApplication,
    private readonly settings: Settings,
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

  /** Takes no more connections, lets running requests finish within `shutdownMs`, then frees everything. */
  async close(): Promise<void> {
    const server = this.app.getHttpServer();
    const bound = setTimeout(() => {
      server.closeAllConnections();
    }, this.settings.shutdownMs);
    await this.app.close();
    clearTimeout(bound);
  }
}

/**
 * Loads the model and opens the store.
 * @throws ReferentError where the model folder or the data folder is not usable.
 */
export async function createApi(
  settings: Settings,
  log = new JsonLog(settings.logLevel),
): Promise<Api> {
  for (const warning of settings.warnings) log.warn(warning);
  const line = new WorkLine({ concurrent: settings.maxConcurrent, waiting: settings.maxWaiting });
  const catalog = openCatalog(settings.dataDir);
  const model = await LinkingModel.load(settings.modelDir, { threads: settings.threads });
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.of(settings, { log, line, catalog, model }),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest takes a plain object
    { logger: log, bodyParser: false, abortOnError: false },
  );
  configure(app, { settings, log, line });
  return new Api(app, settings);
}

interface Edge {
  readonly settings: Settings;
  readonly log: JsonLog;
  readonly line: WorkLine;
}

/** What every request passes, in this order, before it reaches a controller. */
function configure(app: NestExpressApplication, { settings, log, line }: Edge): void {
  app.disable('x-powered-by');
  app.use(arrival(log), admission(line), jsonOnly);
  app.useBodyParser('json', {
    limit: settings.limits.maxBodyBytes,
    strict: false,
    // `jsonOnly` has looked at the label; a body that nothing takes is not read.
    type: (request: ApiRequest) => takesBody(request),
    verify: refuseBrokenUtf8,
  });
  app.use(sizes(settings.limits));
  app.useGlobalFilters(new ProblemFilter(log, settings.limits.maxBodyBytes));
  const server = app.getHttpServer();
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.on('clientError', answerBrokenRequest);
}
