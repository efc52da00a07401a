import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import type { Settings } from '../../libs/config/settings.js';
import { KbCatalog } from '../../libs/kb/kb-store.js';
import { LinkingModel } from '../../libs/model/linking-model.js';
import { AnnotateController } from './annotate/annotate.controller.js';
import { Annotator } from './annotate/annotator.js';
import { DocsController } from './docs/docs.controller.js';
import { RootController } from './docs/root.controller.js';
import { EntitiesController } from './entities/entities.controller.js';
import { HealthController } from './health/health.controller.js';
import { JsonLog } from './http/json-log.js';
import { WorkLine } from './http/work-line.js';
import { KbsController } from './kbs/kbs.controller.js';
import { openCatalog } from './linkers/open-catalog.js';
import { Linkers } from './linkers/linkers.js';

/** What the API is made of. Change the store or the model's engine here. */
@Module({
  controllers: [
    AnnotateController,
    KbsController,
    EntitiesController,
    HealthController,
    DocsController,
    RootController,
  ],
  providers: [Annotator],
})
export class AppModule {
  static of(settings: Settings, parts: { log: JsonLog; line: WorkLine }): DynamicModule {
    const providers: Provider[] = [
      { provide: JsonLog, useValue: parts.log },
      { provide: WorkLine, useValue: parts.line },
      { provide: KbCatalog, useFactory: () => openCatalog(settings.dataDir) },
      {
        provide: LinkingModel,
        useFactory: () => LinkingModel.load(settings.modelDir, { threads: settings.threads }),
      },
      {
        provide: Linkers,
        useFactory: (catalog: KbCatalog, model: LinkingModel) =>
          new Linkers({ catalog, model, log: parts.log, settings }),
        inject: [KbCatalog, LinkingModel],
      },
    ];
    return { module: AppModule, providers };
  }
}
