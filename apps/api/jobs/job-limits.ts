import type { Settings } from '../../../libs/config/settings.js';
import type { SizeLimits } from '../../../libs/contract/sizes.js';
import type { LinesLimits } from '../http/lines-body.js';
import type { JobLimits } from './jobs.js';

/** What a document of a job may hold, and how many there may be in a JSON body. */
export function jobDocumentLimits({ limits, jobs }: Settings): SizeLimits {
  return { ...limits, maxDocuments: jobs.maxDocuments, maxMentionsInAll: Infinity };
}

export function jobLimits(settings: Settings): JobLimits {
  const { maxDocuments, maxJobs } = settings.jobs;
  return { perDocument: settings.limits, maxDocuments, maxLive: maxJobs };
}

/** Of a stream: one line is as large as another body at most. */
export function jobStreamLimits({ limits, jobs }: Settings): LinesLimits {
  const maxBytesSetting = 'REFERENT_MAX_JOB_BYTES';
  return { maxBytes: jobs.maxBytes, maxBytesSetting, maxLineBytes: limits.maxBodyBytes };
}
