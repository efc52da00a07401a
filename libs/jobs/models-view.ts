import type { KbModels, ModelsResponse } from '../contract/models-api.js';
import type { KbCatalog, ModelState } from '../kb/kb-store.js';
import type { ModelPool } from '../model/model-pool.js';

/** Under which models a KB is searched, was, and is to be, for people. */
export async function kbModelsOf(
  kb: string,
  { active, previous, reembedding }: ModelState,
  pool: ModelPool,
): Promise<KbModels> {
  const { models } = await pool.list();
  const referenceTo = (version: string) => ({
    version,
    names: models.filter((model) => model.version === version).map(({ name }) => name),
  });
  return {
    kb,
    active: referenceTo(active ?? (await pool.byDefault()).version),
    previous: previous === null ? null : referenceTo(previous),
    reembedding: reembedding && {
      model: reembedding.model,
      version: reembedding.target,
      state: reembedding.problem === null ? 'running' : 'stopped',
      problem: reembedding.problem,
      startedAt: reembedding.startedAt,
      progress: reembedding.progress,
    },
  };
}

/** The models there are, and what is searched with them. */
export async function modelsOf(catalog: KbCatalog, pool: ModelPool): Promise<ModelsResponse> {
  const [{ models, unusable, isLoaded }, kbs, own] = await Promise.all([
    pool.list(),
    catalog.list(),
    pool.byDefault(),
  ]);
  const searchedWith = (version: string) =>
    kbs.filter(({ activeModel }) => (activeModel ?? own.version) === version);
  const usable = models.map((model) => ({
    name: model.name,
    version: model.version,
    release: model.release,
    dimensions: model.dimensions,
    isDefault: model.folder === own.folder,
    isLoaded: isLoaded(model),
    kbs: searchedWith(model.version).map(({ name }) => name),
  }));
  const broken = unusable.map(({ name, problem }) => ({
    ...{ name, version: null, release: null, dimensions: null, problem },
    ...{ isDefault: false, isLoaded: false, kbs: [] },
  }));
  return { models: [...usable, ...broken] };
}
