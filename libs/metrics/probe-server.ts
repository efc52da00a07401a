import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KeyRing } from '../access/key-ring.js';
import { ReferentError } from '../contract/errors.js';
import type { Metrics } from './metrics.js';
import type { Readiness } from './readiness.js';

export interface ProbeServerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly host: string;
  readonly readiness: Pick<Readiness, 'ready'>;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly keys: Pick<KeyRing, 'isClosed' | 'owner'>;
}

interface Told {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Probes are answered at once; who takes longer is none. */
const TIMEOUT_MS = 5_000;

/** Health and figures of a process that has no API: `/health/live`, `/health/ready` and `/metrics`, as the API has them. */
export class ProbeServer {
  private constructor(private readonly server: Server) {}

  /** @throws Error where the port cannot be bound. */
  static async listen(options: ProbeServerOptions): Promise<ProbeServer> {
    const server = createServer({ requestTimeout: TIMEOUT_MS }, (request, response) => {
      void answer(request, response, options);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host.replace(/^\[(.*)\]$/, '$1'), resolve);
    });
    return new ProbeServer(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends at once: nobody is harmed by a probe that fails now. */
  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections();
    });
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ProbeServerOptions,
): Promise<void> {
  const { status, type, body, headers = {} } = await told(request, options).catch(failed);
  response.writeHead(status, {
    'Content-Type': type,
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function told(request: IncomingMessage, options: ProbeServerOptions): Promise<Told> {
  const path = (request.url ?? '/').split('?', 1)[0];
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return problem(405, 'method-not-allowed');
  if (path === '/health/live') return json(200, { status: 'ok' });
  if (path === '/health/ready') return json(200, await options.readiness.ready());
  if (path !== '/metrics') return problem(404, 'route-not-found');
  if (!mayRead(request, options.keys)) {
    return {
      ...problem(401, 'unauthorized'),
      headers: { 'WWW-Authenticate': 'Bearer realm="Referent"' },
    };
  }
  return { status: 200, type: options.metrics.contentType, body: await options.metrics.text() };
}

/** A key of any role, as for the API's figures. */
function mayRead({ headersDistinct }: IncomingMessage, keys: ProbeServerOptions['keys']): boolean {
  if (!keys.isClosed) return true;
  const bearer = (headersDistinct['authorization'] ?? []).map((one) =>
    one.replace(/^bearer +/i, ''),
  );
  const [only, second] = [...(headersDistinct['x-api-key'] ?? []), ...bearer];
  return only !== undefined && second === undefined && keys.owner(only.trim()) !== undefined;
}

function failed(error: unknown): Told {
  if (!(error instanceof ReferentError) || error.code !== 'not-ready')
    return problem(500, 'internal');
  return problem(503, error.code, error.message);
}

function problem(status: number, code: string, detail = code): Told {
  const body = { type: `urn:referent:problem:${code}`, status, code, detail };
  return { ...json(status, body), type: 'application/problem+json; charset=utf-8' };
}

function json(status: number, value: unknown): Told {
  return { status, type: 'application/json; charset=utf-8', body: JSON.stringify(value) };
}
