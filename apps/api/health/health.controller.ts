import { Controller, Get } from '@nestjs/common';
import type { ReadyResponse } from '../../../libs/contract/responses.js';
import { Readiness } from '../../../libs/metrics/readiness.js';

@Controller('health')
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 when links can be made; else `not-ready` says why not. */
  @Get('ready')
  ready(): Promise<ReadyResponse> {
    return this.readiness.ready();
  }
}
