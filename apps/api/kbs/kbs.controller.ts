import { Controller, Get } from '@nestjs/common';
import type { KbsResponse } from '../../../libs/contract/responses.js';
import { KbCatalog } from '../../../libs/kb/kb-store.js';
import { Linkers } from '../linkers/linkers.js';

@Controller('v1/kbs')
export class KbsController {
  constructor(
    private readonly catalog: KbCatalog,
    private readonly linkers: Linkers,
  ) {}

  @Get()
  async list(): Promise<KbsResponse> {
    const kbs = await this.catalog.list();
    const byDefault = this.linkers.defaultOf(kbs);
    return { kbs: kbs.map((kb) => ({ ...kb, isDefault: kb.name === byDefault })) };
  }
}
