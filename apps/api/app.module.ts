import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { KbCatalog } from '../../libs/kb/kb-store.js';
import { Caretaker } from '../../libs/jobs/caretaker.js';
import { Reembedder } from '../../libs/jobs/reembedder.js';
import { OpenKbs } from '../../libs/linking/open-kbs.js';
import { Metrics } from '../../libs/metrics/metrics.js';
import { Readiness } from '../../libs/metrics/readiness.js';
import { ModelPool } from '../../libs/model/model-pool.js';
import { WorkQueue } from '../../libs/queue/work-queue.js';
import { AnnotateController } from './annotate/annotate.controller.js';
import { Annotator } from './annotate/annotator.js';
import { DocsController } from './docs/docs.controller.js';
import { RootController } from './docs/root.controller.js';
import { EntitiesController } from './entities/entities.controller.js';
import { EntityBulk } from './entities/entity-bulk.js';
import { EntityWritesController } from './entities/entity-writes.controller.js';
import { EntityWriting } from './entities/entity-writing.js';
import { FeedbackController } from './feedback/feedback.controller.js';
import { Feedback } from './feedback/feedback.js';
import { HealthController } from './health/health.controller.js';
import { jobLimits, jobStreamLimits } from './jobs/job-limits.js';
import { Jobs } from './jobs/jobs.js';
import { JobsController, JobStreamLimits } from './jobs/jobs.controller.js';
import { Lifetime } from './lifetime.js';
import type { Parts } from './parts.js';
import { WorkLine } from './http/work-line.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { KbsController } from './kbs/kbs.controller.js';
import { ModelsController } from './kbs/models.controller.js';
import { ReembedController } from './kbs/reembed.controller.js';

/** The features of the API over its parts. */
@Module({
  controllers: [
    AnnotateController,
    FeedbackController,
    KbsController,
    ReembedController,
    ModelsController,
    EntitiesController,
    EntityWritesController,
    JobsController,
    HealthController,
    MetricsController,
    DocsController,
    RootController,
  ],
  providers: [Annotator, Feedback],
})
export class AppModule {
  static of(parts: Parts): DynamicModule {
    const { line, catalog, pool, kbs, queue, caretaker, reembedder, batches, settings } = parts;
    const { metrics, readiness } = parts;
    const writing = new EntityWriting(kbs, catalog);
    const { maxBulkBytes } = settings.limits;
    const providers: Provider[] = [
      { provide: WorkLine, useValue: line },
      { provide: KbCatalog, useValue: catalog },
      { provide: ModelPool, useValue: pool },
      { provide: OpenKbs, useValue: kbs },
      { provide: Metrics, useValue: metrics },
      { provide: Readiness, useValue: readiness },
      { provide: WorkQueue, useValue: queue },
      { provide: Caretaker, useValue: caretaker },
      { provide: Reembedder, useValue: reembedder },
      { provide: EntityWriting, useValue: writing },
      {
        provide: EntityBulk,
        useValue: new EntityBulk({ kbs, writing, maxBytes: maxBulkBytes }),
      },
      {
        provide: Jobs,
        useValue: new Jobs({ store: batches, queue, kbs, limits: jobLimits(settings) }),
      },
      { provide: JobStreamLimits, useValue: new JobStreamLimits(jobStreamLimits(settings)) },
      { provide: Lifetime, useValue: new Lifetime(parts) },
    ];
    return { module: AppModule, providers };
  }
}
