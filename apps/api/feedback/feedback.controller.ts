import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { feedbackRequest, type FeedbackRequest } from '../../../libs/contract/requests.js';
import type { FeedbackResponse } from '../../../libs/contract/responses.js';
import { Gone } from '../http/gone.decorator.js';
import { ZodPipe } from '../http/zod.pipe.js';
import { Feedback } from './feedback.js';

@Controller('v1/feedback')
export class FeedbackController {
  constructor(private readonly feedback: Feedback) {}

  @Post()
  @HttpCode(200)
  learn(
    @Body(new ZodPipe(feedbackRequest)) request: FeedbackRequest,
    @Gone() gone: AbortSignal,
  ): Promise<FeedbackResponse> {
    return this.feedback.learn(request, gone);
  }
}
