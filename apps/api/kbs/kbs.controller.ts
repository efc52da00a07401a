import { Controller, Get } from '@nestjs/common';
import type { KbsResponse } from '../../../libs/contract/responses.js';
import { KbCatalog } from '../../../libs/kb/kb-store.js';
import { OpenKbs } from '../../../libs/linking/open-kbs.js';

@Controller('v1/kbs')
export class KbsController {
  constructor(
    private readonly catalog: KbCatalog,
    private readonly kbs: OpenKbs,
  ) {}

  @Get()
  async list(): Promise<KbsResponse> {
    const kbs = await this.catalog.list();
    const byDefault = this.kbs.defaultOf(kbs);
    return { kbs: kbs.map((kb) => ({ ...kb, isDefault: kb.name === byDefault })) };
  }
}
