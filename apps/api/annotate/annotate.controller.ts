import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import {
  annotateRequest,
  candidatesRequest,
  mentionsRequest,
  type AnnotateRequest,
  type CandidatesRequest,
  type MentionsRequest,
} from '../../../libs/contract/requests.js';
import type {
  AnnotateResponse,
  CandidatesResponse,
  MentionsResponse,
} from '../../../libs/contract/responses.js';
import { Gone } from '../http/gone.decorator.js';
import { ZodPipe } from '../http/zod.pipe.js';
import { Annotator } from './annotator.js';

@Controller('v1')
export class AnnotateController {
  constructor(private readonly annotator: Annotator) {}

  @Post('annotate')
  @HttpCode(200)
  annotate(
    @Body(new ZodPipe(annotateRequest)) request: AnnotateRequest,
    @Gone() gone: AbortSignal,
  ): Promise<AnnotateResponse> {
    return this.annotator.annotate(request, gone);
  }

  @Post('mentions')
  @HttpCode(200)
  mentions(
    @Body(new ZodPipe(mentionsRequest)) request: MentionsRequest,
    @Gone() gone: AbortSignal,
  ): Promise<MentionsResponse> {
    return this.annotator.mentions(request, gone);
  }

  @Post('candidates')
  @HttpCode(200)
  candidates(
    @Body(new ZodPipe(candidatesRequest)) request: CandidatesRequest,
    @Gone() gone: AbortSignal,
  ): Promise<CandidatesResponse> {
    return this.annotator.candidates(request, gone);
  }
}
