import {
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { resultLines } from '../../../libs/batches/result-lines.js';
import { annotateOptions } from '../../../libs/contract/annotate.js';
import {
  jobHeaders,
  jobQuery,
  jobRequest,
  jobsQuery,
  noJobQuery,
  resultsQuery,
  type JobResponse,
  type JobsQuery,
  type JobsResponse,
  type ResultsQuery,
} from '../../../libs/contract/batches.js';
import { parseRequest } from '../../../libs/contract/faults.js';
import { takesJson } from '../http/body.js';
import type { ApiRequest, ApiResponse } from '../http/exchange.js';
import { Gone } from '../http/gone.decorator.js';
import { linesBody, type LinesLimits } from '../http/lines-body.js';
import { write } from '../http/outgoing.js';
import { ZodPipe } from '../http/zod.pipe.js';
import { jobEvents } from './job-events.js';
import { Jobs, linesOfRequest } from './jobs.js';

/** Limits of a stream of documents. */
export class JobStreamLimits {
  constructor(readonly limits: LinesLimits) {}
}

@Controller('v1/jobs')
export class JobsController {
  constructor(
    private readonly jobs: Jobs,
    private readonly stream: JobStreamLimits,
  ) {}

  @Post()
  @HttpCode(202)
  async create(
    @Req() request: ApiRequest,
    @Res({ passthrough: true }) response: ApiResponse,
    @Query() query: unknown,
    @Headers('idempotency-key') key: unknown,
  ): Promise<JobResponse> {
    const headers = parseRequest(jobHeaders, { 'Idempotency-Key': key }, 'query');
    const idempotencyKey = headers['Idempotency-Key'];
    const job = await this.jobs.create({
      asker: request.caller,
      idempotencyKey,
      ...this.asked(request, query),
    });
    response.setHeader('Location', `/v1/jobs/${job.id}`);
    return job;
  }

  @Get()
  async list(@Query(new ZodPipe(jobsQuery)) { limit }: JobsQuery): Promise<JobsResponse> {
    return { jobs: [...(await this.jobs.list(limit))] };
  }

  @Get(':id')
  get(@Param('id') id: string, @Req() { caller }: ApiRequest): Promise<JobResponse> {
    return this.jobs.get(id, caller);
  }

  @Delete(':id')
  @HttpCode(204)
  cancel(@Param('id') id: string, @Req() { caller }: ApiRequest): Promise<void> {
    return this.jobs.cancel(id, caller);
  }

  @Get(':id/results')
  async results(
    @Param('id') id: string,
    @Req() { caller }: ApiRequest,
    @Query(new ZodPipe(resultsQuery)) query: ResultsQuery,
    @Res() response: ApiResponse,
    @Gone() gone: AbortSignal,
  ): Promise<void> {
    await this.jobs.get(id, caller);
    const signal = AbortSignal.any([gone, this.jobs.ended]);
    const lines = resultLines(this.jobs.store, id, { ...query, signal });
    await send(response, { type: 'application/x-ndjson', pieces: lines, gone });
  }

  @Get(':id/events')
  async events(
    @Param('id') id: string,
    @Req() { caller }: ApiRequest,
    @Res() response: ApiResponse,
    @Gone() gone: AbortSignal,
  ): Promise<void> {
    await this.jobs.get(id, caller);
    const signal = AbortSignal.any([gone, this.jobs.ended]);
    const events = jobEvents(() => this.jobs.get(id, caller), signal);
    await send(response, { type: 'text/event-stream', pieces: events, gone });
  }

  private asked(request: ApiRequest, query: unknown) {
    if (takesJson(request)) {
      parseRequest(noJobQuery, query, 'query');
      const body = parseRequest(jobRequest, request.body, 'body');
      return { kb: body.kb, ...linesOfRequest(body) };
    }
    const { kb, ...given } = parseRequest(jobQuery, query, 'query');
    const options = parseRequest(annotateOptions, given, 'query');
    return { kb, options, lines: linesBody(request, this.stream.limits) };
  }
}

interface Stream {
  readonly type: string;
  readonly pieces: AsyncIterable<string>;
  readonly gone: AbortSignal;
}

async function send(response: ApiResponse, { type, pieces, gone }: Stream): Promise<void> {
  response.setHeader('Content-Type', `${type}; charset=utf-8`);
  response.setHeader('Cache-Control', 'no-store');
  // Proxies that gather an answer would hold events back.
  response.setHeader('X-Accel-Buffering', 'no');
  response.flushHeaders();
  for await (const piece of pieces) await write(response, piece, gone);
  response.end();
}
