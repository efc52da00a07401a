import { Controller, Get } from '@nestjs/common';
import type { ReadyResponse } from '../../../libs/contract/responses.js';
import { Linkers } from '../linkers/linkers.js';

@Controller('health')
export class HealthController {
  constructor(private readonly linkers: Linkers) {}

  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 when links can be made; else `not-ready` says why not. */
  @Get('ready')
  ready(): ReadyResponse {
    return this.linkers.readiness();
  }
}
