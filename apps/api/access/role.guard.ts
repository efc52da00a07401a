import { NotFoundException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { operationOf, otherPath, roleOf } from '../../../libs/contract/operations.js';
import type { ApiRequest } from '../http/exchange.js';
import { pathOf } from '../http/exchange.js';
import { assertMay } from './permission.js';

/**
 * Who may call is decided on the route that the router matched, whatever the path looked like before. A path in another
 * spelling than the API's (upper case, say) has passed the checks of none, and is answered as unknown.
 */
export class RoleGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<ApiRequest>();
    const method = request.method ?? 'GET';
    const path = pathOf(request);
    const operation = operationOf(method, path);
    const found = operation?.path ?? otherPath(path);
    if (found === undefined || found !== matchedRoute(request)) throw new NotFoundException();
    assertMay(request, operation === undefined ? 'public' : roleOf(operation));
    return true;
  }
}

/** The route as the table of operations writes it. */
function matchedRoute({ route }: Pick<ApiRequest, 'route'>): string | undefined {
  return route?.path.replace(/:(\w+)/g, '{$1}');
}
