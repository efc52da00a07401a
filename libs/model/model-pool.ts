import { basename, resolve } from 'node:path';
import { ReferentError } from '../contract/errors.js';
import type { Demand } from './batch-queue.js';
import { LinkingModel, type LoadOptions } from './linking-model.js';
import { ModelCache, type CacheState } from './model-cache.js';
import { readManifest, releaseOf } from './model-folder.js';
import { listModels, type ListedModel, type ModelFolders, type ModelList } from './model-list.js';

export interface ModelPoolOptions extends ModelFolders {
  /** Threads inside one operator, of each model. */
  readonly threads: number;
  /** Most memory for what the models have computed; default 0: nothing is kept. */
  readonly cacheBytes?: number;
  /** A loaded model that nobody uses is closed after so long; five minutes unless told. */
  readonly idleMs?: number;
}

/** A loaded model in use, until it is released. */
export interface ModelLease {
  readonly name: string;
  readonly model: LinkingModel;
  /** Again is harmless. */
  readonly release: () => void;
}

interface Loaded {
  readonly name: string;
  readonly model: Promise<LinkingModel>;
  /** The same, once it is there. */
  ready: LinkingModel | null;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

/** A rollback shortly after a change finds the model still loaded. */
const IDLE_MS = 5 * 60_000;

/**
 * The models of this process: each is loaded once, when it is first needed, and shared. A loaded model takes 160
 * to 220 MB and a thread, so one that nobody uses any more is closed after a while.
 */
export class ModelPool {
  private readonly loaded = new Map<string, Loaded>();
  private known: ModelList = { models: [], unusable: [] };
  private isClosed = false;
  private readonly cache: ModelCache | null;

  constructor(private readonly options: ModelPoolOptions) {
    const { cacheBytes = 0 } = options;
    this.cache = cacheBytes === 0 ? null : new ModelCache(cacheBytes);
  }

  /** The models there are now, and whether this process has them loaded. */
  async list(): Promise<ModelList & { readonly isLoaded: (model: ListedModel) => boolean }> {
    this.known = await listModels(this.options);
    return { ...this.known, isLoaded: (model) => this.loaded.has(keyOf(model)) };
  }

  /** The model that the process was started with; `model-invalid` where its manifest is not valid. */
  async byDefault(): Promise<ListedModel> {
    const folder = resolve(this.options.modelDir);
    const manifest = await readManifest(folder);
    const { version, dimensions } = manifest;
    return { name: basename(folder), folder, version, dimensions, release: releaseOf(manifest) };
  }

  /** A model by the name of its folder. @throws ReferentError `invalid-input` that says which there are. */
  async named(name: string): Promise<ListedModel> {
    const { models, unusable } = await this.list();
    const found = models.find((model) => model.name === name);
    if (found !== undefined) return found;
    const broken = unusable.find((one) => one.name === name);
    throw new ReferentError(
      'invalid-input',
      broken === undefined
        ? `There is no model ${JSON.stringify(name)} (there are: ${namesOf(models)}): name a folder in ${this.options.modelsDir}, or put it there.`
        : `The model ${name} cannot be used: ${broken.problem}`,
    );
  }

  /**
   * A model whose vectors have this version, loaded: the default one where several have, else the first by name.
   * @throws ReferentError `model-invalid` where there is none, with those there are, or where it is damaged.
   */
  async acquire(version: string): Promise<ModelLease> {
    const listed = this.find(version) ?? (await this.findAnew(version));
    try {
      return await this.lease(listed);
    } catch (error) {
      // Its folder may have been replaced since it was listed.
      const again = await this.findAnew(version);
      if (keyOf(again) === keyOf(listed)) throw error;
      return this.lease(again);
    }
  }

  /** The model of this very release, loaded; null where there is none. */
  async acquireRelease(release: string): Promise<ModelLease | null> {
    const find = () => this.known.models.find((model) => model.release === release);
    if (find() === undefined) await this.list();
    const listed = find();
    return listed === undefined ? null : this.lease(listed);
  }

  /** How much is asked of all loaded models together. */
  get demand(): Demand {
    const demands = [...this.loaded.values()].flatMap(({ ready }) => ready?.demand ?? []);
    const sum = (of: (one: Demand) => number) => demands.reduce((all, one) => all + of(one), 0);
    return {
      requests: sum(({ requests }) => requests),
      batchesInFlight: sum(({ batchesInFlight }) => batchesInFlight),
    };
  }

  /** What is kept of past calls; null where nothing is. */
  get cacheState(): CacheState | null {
    return this.cache?.state ?? null;
  }

  /** Closes all models; leases are void then. */
  async close(): Promise<void> {
    this.isClosed = true;
    const all = [...this.loaded.values()];
    this.loaded.clear();
    for (const { idle } of all) clearTimeout(idle);
    await Promise.all(all.map(({ model }) => closeLoaded(model)));
  }

  private find(version: string): ListedModel | undefined {
    return this.known.models.find((model) => model.version === version);
  }

  private async findAnew(version: string): Promise<ListedModel> {
    await this.list();
    const found = this.find(version);
    if (found !== undefined) return found;
    const { modelsDir } = this.options;
    throw new ReferentError(
      'model-invalid',
      `There is no model with vectors of version ${version} in ${modelsDir} (there are: ${namesOf(this.known.models)}): ` +
        'put its folder there, or set REFERENT_MODELS_DIR to where it is.',
    );
  }

  private async lease(listed: ListedModel): Promise<ModelLease> {
    if (this.isClosed) throw new ReferentError('not-ready', 'The process is ending.');
    const key = keyOf(listed);
    const loaded = this.loaded.get(key) ?? this.load(key, listed);
    loaded.users += 1;
    clearTimeout(loaded.idle);
    let isHeld = true;
    const release = () => {
      if (isHeld) this.release(key, loaded);
      isHeld = false;
    };
    try {
      return { name: loaded.name, model: await loaded.model, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  private load(key: string, listed: ListedModel): Loaded {
    const model = loadAsListed(listed, { threads: this.options.threads, cache: this.cache });
    const loaded: Loaded = { name: listed.name, model, ready: null, users: 0, idle: undefined };
    this.loaded.set(key, loaded);
    model.then(
      (ready) => (loaded.ready = ready),
      () => {
        if (this.loaded.get(key) === loaded) this.loaded.delete(key);
      },
    );
    return loaded;
  }

  private release(key: string, loaded: Loaded): void {
    loaded.users -= 1;
    if (loaded.users > 0 || this.loaded.get(key) !== loaded) return;
    loaded.idle = setTimeout(() => {
      this.loaded.delete(key);
      void closeLoaded(loaded.model);
    }, this.options.idleMs ?? IDLE_MS).unref();
  }
}

async function loadAsListed({ folder, release }: ListedModel, options: LoadOptions) {
  const model = await LinkingModel.load(folder, options);
  if (model.identity.release === release) return model;
  await model.close();
  throw new ReferentError(
    'model-invalid',
    `${folder} has model ${model.identity.release}, and had ${release} when it was listed; try again.`,
  );
}

async function closeLoaded(model: Promise<LinkingModel>): Promise<void> {
  const loaded = await model.catch(() => null);
  await loaded?.close();
}

const keyOf = ({ folder, release }: ListedModel): string => `${release} ${folder}`;

function namesOf(models: readonly ListedModel[]): string {
  return models.map(({ name, version }) => `${name} (${version})`).join(', ') || 'none';
}
