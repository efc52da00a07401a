import { Controller, Get } from '@nestjs/common';
import type { ModelsResponse } from '../../../libs/contract/models-api.js';
import { modelsOf } from '../../../libs/jobs/models-view.js';
import { KbCatalog } from '../../../libs/kb/kb-store.js';
import { ModelPool } from '../../../libs/model/model-pool.js';

@Controller('v1/models')
export class ModelsController {
  constructor(
    private readonly catalog: KbCatalog,
    private readonly pool: ModelPool,
  ) {}

  @Get()
  list(): Promise<ModelsResponse> {
    return modelsOf(this.catalog, this.pool);
  }
}
