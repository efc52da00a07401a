import type { Settings } from '../../libs/config/settings.js';
import { Metrics } from '../../libs/metrics/metrics.js';
import { ProbeServer } from '../../libs/metrics/probe-server.js';
import { Readiness } from '../../libs/metrics/readiness.js';
import { openKeys } from '../api/access/open-keys.js';
import type { JsonLog } from '../api/http/json-log.js';
import { portProblem } from '../api/http/port-problem.js';
import { entitiesOf } from '../api/metrics/entities-of.js';
import type { ReferentWorker } from './referent-worker.js';

export interface Probes {
  readonly port: number;
  /** Not ready any more, while the last jobs are done. */
  end(): void;
  close(): Promise<void>;
}

export interface ProbesOptions {
  readonly settings: Settings;
  readonly log: JsonLog;
  readonly port: number;
}

/**
 * Health and figures of a worker.
 * @throws ReferentError where the port is taken, or must not be bound without keys.
 */
export async function openProbes(
  { kbs, queue, pool, catalog }: ReferentWorker['watched'],
  { settings, log, port }: ProbesOptions,
): Promise<Probes> {
  let isEnding = false;
  const keys = openKeys(settings, log);
  const metrics = new Metrics({ model: pool, kbs, queue, entities: entitiesOf(catalog) });
  const readiness = new Readiness({ kbs, queue, isEnding: () => isEnding });
  const { host } = settings;
  const server = await ProbeServer.listen({ port, host, readiness, metrics, keys }).catch(
    (error: unknown) => {
      metrics.close();
      throw portProblem(error, port);
    },
  );
  keys.follow();
  const end = () => {
    isEnding = true;
  };
  const close = async () => {
    keys.close();
    metrics.close();
    await server.close();
  };
  return { port: server.port, end, close };
}
