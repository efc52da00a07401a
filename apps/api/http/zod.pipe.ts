import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { parseRequest } from '../../../libs/contract/faults.js';

/** Parses a body or a query once, at the edge; inside, types are trusted. */
export class ZodPipe<S extends z.ZodType> implements PipeTransform<unknown, z.output<S>> {
  constructor(private readonly schema: S) {}

  transform(value: unknown, { type }: ArgumentMetadata): z.output<S> {
    return parseRequest(this.schema, value, type === 'query' ? 'query' : 'body');
  }
}
