import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { tap, type Observable } from 'rxjs';
import type { ApiRequest } from './exchange.js';

/** Answers that say how long their steps took say so in the log line too. */
export class StepTimes implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<ApiRequest>();
    return next.handle().pipe(
      tap((answer: unknown) => {
        if (hasTimings(answer)) request.steps = answer.timings;
      }),
    );
  }
}

function hasTimings(answer: unknown): answer is { timings: Readonly<Record<string, number>> } {
  return typeof answer === 'object' && answer !== null && 'timings' in answer;
}
