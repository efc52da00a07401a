import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { ApiRequest } from './exchange.js';

/** The signal that is aborted when the client goes away. */
export const Gone = createParamDecorator(
  (_data: unknown, context: ExecutionContext): AbortSignal => {
    return context.switchToHttp().getRequest<ApiRequest>().gone;
  },
);
