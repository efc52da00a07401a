import { Injectable } from '@nestjs/common';
import { pointer, preview } from '../../../libs/contract/faults.js';
import { RequestError, type Fault } from '../../../libs/contract/problem.js';
import type { FeedbackRequest } from '../../../libs/contract/requests.js';
import type { FeedbackResponse } from '../../../libs/contract/responses.js';
import { learnPage, type PageOutcome } from '../../../libs/jobs/learn-page.js';
import { KbCatalog, type KbStore } from '../../../libs/kb/kb-store.js';
import type { KnowledgeBase } from '../../../libs/linking/knowledge-base.js';
import { lessonOf, type Lesson, type LessonMention } from '../../../libs/linking/lessons.js';
import { checkedDocument } from '../../../libs/linking/documents.js';
import { WorkLine } from '../http/work-line.js';
import { OpenKbs } from '../../../libs/linking/open-kbs.js';

/** Labelled texts that users send; what they teach counts from the answer on. */
@Injectable()
export class Feedback {
  constructor(
    private readonly kbs: OpenKbs,
    private readonly catalog: KbCatalog,
    private readonly line: WorkLine,
  ) {}

  async learn(request: FeedbackRequest, gone: AbortSignal): Promise<FeedbackResponse> {
    const lesson = checkedLesson(request);
    return this.kbs.use(request.kb, async ({ kb }) => {
      await assertKnown(request, kb.store);
      const isPartial = request.options?.partial ?? true;
      const { outcomes, sequence } = await this.line.turn(gone, () =>
        this.learnNow(lesson, kb, isPartial),
      );
      const { isLearned = false, mentions = 0 } = outcomes[0] ?? {};
      return { kb: { name: kb.name, sequence }, learned: isLearned, mentions };
    });
  }

  private async learnNow(
    lesson: Lesson,
    kb: KnowledgeBase,
    isPartial: boolean,
  ): Promise<PageOutcome> {
    const derivedFolder = this.catalog.derivedFolder(kb.name);
    const names = isPartial ? null : kb.names;
    const outcome = await learnPage([lesson], { store: kb.store, derivedFolder, names });
    await kb.refreshTo(outcome.sequence);
    return outcome;
  }
}

/** @throws RequestError `invalid-input` that names every mention whose offsets are wrong. */
function checkedLesson({ text, mentions, id, options }: FeedbackRequest): Lesson {
  const { mentions: spans = [] } = checkedDocument(
    { text, mentions },
    options?.offsetUnit ?? 'utf16',
  );
  const labelled = spans.map(({ start, end }, at): LessonMention => {
    return { start, end, entityId: mentions[at]?.entityId ?? null };
  });
  return lessonOf(text, labelled, id);
}

/** @throws RequestError `invalid-input` that names every mention of an entity that there is not. */
async function assertKnown(
  { mentions }: FeedbackRequest,
  { entities, name }: KbStore,
): Promise<void> {
  const found = await entities.byIds(mentions.flatMap(({ entityId }) => entityId ?? []));
  const faults = mentions.flatMap(({ entityId }, at): Fault[] => {
    if (entityId === null || found.has(entityId)) return [];
    const detail = `is ${preview(entityId)}: the knowledge base ${preview(name)} has no such entity; GET /v1/entities?q=… finds entities by name, and null says that none fits.`;
    return [{ pointer: pointer(['mentions', at, 'entityId']), detail }];
  });
  if (faults.length > 0) throw new RequestError('invalid-input', faults, faults.length);
}
