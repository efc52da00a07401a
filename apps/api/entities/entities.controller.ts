import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import {
  entitiesQuery,
  entityQuery,
  type EntitiesQuery,
  type EntityQuery,
} from '../../../libs/contract/requests.js';
import type { EntitiesResponse, EntityResponse } from '../../../libs/contract/responses.js';
import { recordTag } from '../../../libs/kb/record-tag.js';
import { OpenKbs } from '../../../libs/linking/open-kbs.js';
import type { ApiRequest, ApiResponse } from '../http/exchange.js';
import { ZodPipe } from '../http/zod.pipe.js';
import { etagOf, isKnown } from './conditions.js';
import { notFound } from './entity-writing.js';

@Controller('v1/entities')
export class EntitiesController {
  constructor(private readonly kbs: OpenKbs) {}

  @Get()
  async search(@Query(new ZodPipe(entitiesQuery)) query: EntitiesQuery): Promise<EntitiesResponse> {
    const store = await this.kbs.store(query.kb);
    const found = await store.entities.search(query.q, query.limit);
    return { kb: store.name, entities: found.map(({ record }) => record) };
  }

  @Get(':id')
  async get(
    @Param('id') id: string,
    @Query(new ZodPipe(entityQuery)) query: EntityQuery,
    @Req() request: ApiRequest,
    @Res({ passthrough: true }) response: ApiResponse,
  ): Promise<EntityResponse | undefined> {
    const store = await this.kbs.store(query.kb);
    const entity = (await store.entities.byIds([id])).get(id)?.record;
    if (entity === undefined) throw notFound(id, store);
    const tag = recordTag(entity);
    response.setHeader('ETag', etagOf(tag));
    if (!isKnown(request.headers, tag)) return { kb: store.name, entity };
    response.statusCode = 304;
    return undefined;
  }
}
