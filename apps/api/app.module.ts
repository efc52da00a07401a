import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import type { Settings } from '../../libs/config/settings.js';
import { KbCatalog } from '../../libs/kb/kb-store.js';
import type { LinkingModel } from '../../libs/model/linking-model.js';
import { AnnotateController } from './annotate/annotate.controller.js';
import { Annotator } from './annotate/annotator.js';
import { DocsController } from './docs/docs.controller.js';
import { RootController } from './docs/root.controller.js';
import { EntitiesController } from './entities/entities.controller.js';
import { FeedbackController } from './feedback/feedback.controller.js';
import { Feedback } from './feedback/feedback.js';
import { HealthController } from './health/health.controller.js';
import type { JsonLog } from './http/json-log.js';
import { WorkLine } from './http/work-line.js';
import { KbsController } from './kbs/kbs.controller.js';
import { Linkers } from './linkers/linkers.js';

/** What lives as long as the server. */
export interface Parts {
  readonly log: JsonLog;
  readonly line: WorkLine;
  readonly catalog: KbCatalog;
  readonly model: LinkingModel;
}

/** The features of the API over its parts. */
@Module({
  controllers: [
    AnnotateController,
    FeedbackController,
    KbsController,
    EntitiesController,
    HealthController,
    DocsController,
    RootController,
  ],
  providers: [Annotator, Feedback],
})
export class AppModule {
  static of(settings: Settings, parts: Parts): DynamicModule {
    const { log, line, catalog, model } = parts;
    const providers: Provider[] = [
      { provide: WorkLine, useValue: line },
      { provide: KbCatalog, useValue: catalog },
      { provide: Linkers, useFactory: () => new Linkers({ catalog, model, log, settings }) },
    ];
    return { module: AppModule, providers };
  }
}
