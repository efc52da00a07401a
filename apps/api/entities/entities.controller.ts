import { Controller, Get, Param, Query } from '@nestjs/common';
import { ReferentError } from '../../../libs/contract/errors.js';
import { preview } from '../../../libs/contract/faults.js';
import {
  entitiesQuery,
  entityQuery,
  type EntitiesQuery,
  type EntityQuery,
} from '../../../libs/contract/requests.js';
import type { EntitiesResponse, EntityResponse } from '../../../libs/contract/responses.js';
import { ZodPipe } from '../http/zod.pipe.js';
import { Linkers } from '../linkers/linkers.js';

@Controller('v1/entities')
export class EntitiesController {
  constructor(private readonly linkers: Linkers) {}

  @Get()
  async search(@Query(new ZodPipe(entitiesQuery)) query: EntitiesQuery): Promise<EntitiesResponse> {
    const store = await this.linkers.store(query.kb);
    const found = await store.entities.search(query.q, query.limit);
    return { kb: store.name, entities: found.map(({ record }) => record) };
  }

  @Get(':id')
  async get(
    @Param('id') id: string,
    @Query(new ZodPipe(entityQuery)) query: EntityQuery,
  ): Promise<EntityResponse> {
    const store = await this.linkers.store(query.kb);
    const entity = (await store.entities.byIds([id])).get(id)?.record;
    if (entity === undefined) {
      throw new ReferentError(
        'entity-not-found',
        `There is no entity ${preview(id)} in the knowledge base ${preview(store.name)}: ` +
          'GET /v1/entities?q=… finds entities by name.',
      );
    }
    return { kb: store.name, entity };
  }
}
