import { Controller, Get, Headers, Res } from '@nestjs/common';
import { packageVersion } from '../../../libs/config/package-root.js';
import type { ApiResponse } from '../http/exchange.js';

/** For who opens the address to see what is there: people go to the docs, programs get a short answer. */
@Controller()
export class RootController {
  private readonly about = JSON.stringify({
    name: 'Referent',
    version: packageVersion(),
    docs: '/docs',
    openapi: '/docs/openapi.json',
    ready: '/health/ready',
  });

  @Get()
  root(@Headers('accept') accept: string | undefined, @Res() response: ApiResponse): void {
    if (accept?.includes('text/html') === true) {
      response.writeHead(302, { Location: '/docs' }).end();
      return;
    }
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.end(this.about);
  }
}
