import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  reembedRequest,
  type KbModels,
  type ReembedRequest,
} from '../../../libs/contract/models-api.js';
import { kbModelsOf } from '../../../libs/jobs/models-view.js';
import { Reembedder } from '../../../libs/jobs/reembedder.js';
import { ModelPool } from '../../../libs/model/model-pool.js';
import { ZodPipe } from '../http/zod.pipe.js';

@Controller('v1/kbs/:kb')
export class ReembedController {
  constructor(
    private readonly reembedder: Reembedder,
    private readonly pool: ModelPool,
  ) {}

  @Post('reembed')
  @HttpCode(202)
  async begin(
    @Param('kb') kb: string,
    @Body(new ZodPipe(reembedRequest)) { model }: ReembedRequest,
  ): Promise<KbModels> {
    return kbModelsOf(kb, await this.reembedder.begin(kb, model), this.pool);
  }

  @Get('reembed')
  async state(@Param('kb') kb: string): Promise<KbModels> {
    return kbModelsOf(kb, await this.reembedder.state(kb), this.pool);
  }

  @Delete('reembed')
  async cancel(@Param('kb') kb: string): Promise<KbModels> {
    return kbModelsOf(kb, await this.reembedder.cancel(kb), this.pool);
  }

  @Post('rollback')
  @HttpCode(202)
  async rollBack(@Param('kb') kb: string): Promise<KbModels> {
    return kbModelsOf(kb, await this.reembedder.rollBack(kb), this.pool);
  }
}
