import {
  Body,
  Controller,
  Delete,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { EntityWriteResponse } from '../../../libs/contract/entity-writes.js';
import { entityQuery, type EntityQuery } from '../../../libs/contract/requests.js';
import { isLines } from '../http/body.js';
import type { ApiRequest, ApiResponse } from '../http/exchange.js';
import { ZodPipe } from '../http/zod.pipe.js';
import { etagOf, expectationOf } from './conditions.js';
import { EntityBulk } from './entity-bulk.js';
import { EntityWriting, StaleError, type Written } from './entity-writing.js';

const QUERY = new ZodPipe(entityQuery);

/** Entities that come, change and go while the service runs. */
@Controller('v1/entities')
export class EntityWritesController {
  constructor(
    private readonly writing: EntityWriting,
    private readonly bulk: EntityBulk,
  ) {}

  @Put(':id')
  put(
    @Param('id') id: string,
    @Query(QUERY) { kb }: EntityQuery,
    @Body() body: unknown,
    @Req() request: ApiRequest,
    @Res({ passthrough: true }) response: ApiResponse,
  ): Promise<EntityWriteResponse> {
    return answered(response, () =>
      this.writing.put({ kb, id, expected: expectationOf(request.headers) }, body),
    );
  }

  @Patch(':id')
  patch(
    @Param('id') id: string,
    @Query(QUERY) { kb }: EntityQuery,
    @Body() body: unknown,
    @Req() request: ApiRequest,
    @Res({ passthrough: true }) response: ApiResponse,
  ): Promise<EntityWriteResponse> {
    return answered(response, () =>
      this.writing.patch({ kb, id, expected: expectationOf(request.headers) }, body),
    );
  }

  @Delete(':id')
  @HttpCode(204)
  async remove(
    @Param('id') id: string,
    @Query(QUERY) { kb }: EntityQuery,
    @Req() request: ApiRequest,
    @Res({ passthrough: true }) response: ApiResponse,
  ): Promise<void> {
    await tagged(response, () =>
      this.writing.remove({ kb, id, expected: expectationOf(request.headers) }),
    );
  }

  @Post()
  async post(
    @Query(QUERY) { kb }: EntityQuery,
    @Body() body: unknown,
    @Req() request: ApiRequest,
    @Res() response: ApiResponse,
  ): Promise<void> {
    if (isLines(request)) {
      await this.bulk.write(kb, request, response);
      return;
    }
    const answer = await answered(response, () =>
      this.writing.post(kb, body, expectationOf(request.headers)),
    );
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(answer));
  }
}

/** 201 where it was created; the tag of what is there now, also where it is not what was expected. */
async function answered(
  response: ApiResponse,
  write: () => Promise<Written>,
): Promise<EntityWriteResponse> {
  const { kb, status, entity } = await tagged(response, write);
  if (entity === null || status === 'deleted') throw new Error('a deletion has no answer');
  response.statusCode = status === 'created' ? 201 : 200;
  if (status === 'created') {
    const query = `?kb=${encodeURIComponent(kb.name)}`;
    response.setHeader('Location', `/v1/entities/${encodeURIComponent(entity.id)}${query}`);
  }
  return { kb, status, entity };
}

async function tagged(response: ApiResponse, write: () => Promise<Written>): Promise<Written> {
  const setTag = ({ tag }: Pick<Written, 'tag'>) => {
    if (tag !== null) response.setHeader('ETag', etagOf(tag));
  };
  try {
    const written = await write();
    setTag(written);
    return written;
  } catch (error) {
    if (error instanceof StaleError) setTag(error);
    throw error;
  }
}
