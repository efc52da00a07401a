import { Controller, Get, Header, NotFoundException, Param, StreamableFile } from '@nestjs/common';
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageVersion } from '../../../libs/config/package-root.js';
import { openApiDocument } from '../../../libs/contract/openapi.js';
import { ASSETS, CONTENT_SECURITY_POLICY, PAGE, START_SCRIPT } from './page.js';

const require = createRequire(import.meta.url);
const assetFolder = dirname(require.resolve('swagger-ui-dist/package.json'));

/** The API's description for people and for programs, all of it served from here. */
@Controller('docs')
export class DocsController {
  private readonly document = openApiDocument(packageVersion());

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', CONTENT_SECURITY_POLICY)
  page(): string {
    return PAGE;
  }

  @Get('openapi.json')
  openApi(): unknown {
    return this.document;
  }

  @Get('start.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  start(): string {
    return START_SCRIPT;
  }

  @Get('assets/:file')
  @Header('Cache-Control', 'public, max-age=86400')
  asset(@Param('file') file: string): StreamableFile {
    const type = Object.hasOwn(ASSETS, file) ? ASSETS[file] : undefined;
    if (type === undefined) throw new NotFoundException();
    return new StreamableFile(createReadStream(join(assetFolder, file)), { type });
  }
}
