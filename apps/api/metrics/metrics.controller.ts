import { Controller, Get, Res } from '@nestjs/common';
import { Metrics } from '../../../libs/metrics/metrics.js';
import type { ApiResponse } from '../http/exchange.js';

@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  /** Written by hand: Nest would answer HTML's type for a text. */
  @Get()
  async text(@Res() response: ApiResponse): Promise<void> {
    const text = await this.metrics.text();
    response.setHeader('Content-Type', this.metrics.contentType);
    response.end(text);
  }
}
