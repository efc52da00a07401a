import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi } from '../../apps/api/create-api.js';
import { JsonLog } from '../../apps/api/http/json-log.js';
import { parseSettings, type RawEnvironment } from '../../libs/config/settings.js';
import type { EntityRecord } from '../../libs/contract/entity.js';
import { openCatalog } from '../../libs/kb/open-catalog.js';
import { LinkingModel } from '../../libs/model/linking-model.js';
import { addEntities } from './small-kb.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON, or the text of what is not JSON. */
  readonly body: unknown;
}

/** A real server on a free port with a data folder of its own. */
export interface RunningApi {
  readonly url: string;
  readonly dataDir: string;
  /** What was logged, a JSON line each. */
  readonly log: readonly string[];
  readonly get: (path: string, init?: RequestInit) => Promise<Answer>;
  readonly post: (path: string, body: unknown, init?: RequestInit) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

type Kbs = Readonly<Record<string, readonly EntityRecord[]>>;

export async function runningApi(kbs: Kbs, env: RawEnvironment = {}): Promise<RunningApi> {
  const dataDir = await mkdtemp(join(tmpdir(), 'referent-api-'));
  const settings = parseSettings({ PORT: '0', REFERENT_DATA_DIR: dataDir, ...env });
  await fillKbs(dataDir, kbs, settings.databaseUrl);
  const log: string[] = [];
  const api = await createApi(settings, new JsonLog('info', (line) => log.push(line)));
  const url = await api.listen().catch(async (error: unknown) => {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  });
  const get = async (path: string, init?: RequestInit) => answer(await fetch(url + path, init));
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    get(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      ...init,
    });
  const close = async () => {
    await api.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  if (Object.keys(kbs).length > 0) await isReady(url);
  return { url, dataDir, log, get, post, close };
}

/** Imports as another process would: with a catalog and a model of its own. */
export async function fillKbs(
  dataDir: string,
  kbs: Kbs,
  databaseUrl: string | null = null,
): Promise<void> {
  if (Object.keys(kbs).length === 0) return;
  const catalog = openCatalog({ dataDir, databaseUrl });
  const model = await LinkingModel.load(parseSettings({}).modelDir, { threads: 1 });
  for (const [name, records] of Object.entries(kbs)) {
    await addEntities(await catalog.openOrCreate(name), model, records);
  }
  await model.close();
  await catalog.close();
}

async function answer(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text,
  };
}

async function isReady(url: string): Promise<void> {
  const until = performance.now() + 15_000;
  while (!(await fetch(`${url}/health/ready`)).ok) {
    if (performance.now() > until) throw new Error('not ready after 15 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
