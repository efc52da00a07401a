import { Injectable } from '@nestjs/common';
import type { Link } from '../../../libs/contract/annotate.js';
import { annotateOptions } from '../../../libs/contract/annotate.js';
import type {
  AnnotateRequest,
  CandidatesRequest,
  MentionsRequest,
} from '../../../libs/contract/requests.js';
import type {
  AnnotateResponse,
  CandidatesResponse,
  MentionsResponse,
} from '../../../libs/contract/responses.js';
import {
  linkerOptions,
  linksOf,
  mentionAnswer,
  retrievedAnswer,
  spanWriter,
  timingsAnswer,
} from '../../../libs/linking/answer.js';
import type { Annotation, Linker, Retrieval } from '../../../libs/linking/linker.js';
import type { RetrievedMention, StepTimings } from '../../../libs/linking/stages.js';
import { STEPS } from '../../../libs/linking/stages.js';
import { mapInOrder, WorkLine } from '../http/work-line.js';
import { OpenKbs } from '../../../libs/linking/open-kbs.js';
import {
  checkedDocument,
  documentsOf,
  type RequestedDocument,
} from '../../../libs/linking/documents.js';

type Options = ReturnType<typeof annotateOptions.parse>;

interface Annotated {
  readonly id: string;
  readonly links: Link[];
  readonly annotation: Annotation;
}

/** Requests in, answers out; the work of each document is the linker's. */
@Injectable()
export class Annotator {
  constructor(
    private readonly kbs: OpenKbs,
    private readonly line: WorkLine,
  ) {}

  async annotate(request: AnnotateRequest, gone: AbortSignal): Promise<AnnotateResponse> {
    const options = annotateOptions.parse(request.options ?? {});
    const documents = documentsOf(request, options.offsetUnit);
    return this.kbs.use(request.kb, async ({ linker, kb }) => {
      const done = await mapInOrder(documents, this.line.width, (document) =>
        this.line.turn(gone, () => annotateOne(linker, document, { ...options, gone })),
      );
      const versions = done.at(-1)?.annotation.versions ?? kb.versions();
      const timings = summed(done.map(({ annotation }) => annotation.timings));
      const degraded = degradedFlag(done.some(({ annotation }) => annotation.degraded));
      if (request.documents === undefined) {
        return { links: done[0]?.links ?? [], ...degraded, versions, timings };
      }
      return { results: done.map(resultOf), ...degraded, versions, timings };
    });
  }

  async mentions(request: MentionsRequest, gone: AbortSignal): Promise<MentionsResponse> {
    const { text, options } = request;
    const found = await this.kbs.use(request.kb, ({ linker }) =>
      this.line.turn(gone, () => linker.mentions({ text }, { signal: gone })),
    );
    const place = spanWriter(text, options?.offsetUnit ?? 'utf16');
    const mentions = found.mentions.map((mention) => mentionAnswer(mention, place));
    return { mentions, versions: found.versions, timings: timingsAnswer(found.timings) };
  }

  async candidates(request: CandidatesRequest, gone: AbortSignal): Promise<CandidatesResponse> {
    const { text, mentions, options } = request;
    const unit = options?.offsetUnit ?? 'utf16';
    const limit = options?.limit ?? 100;
    const document = checkedDocument({ text, mentions }, unit);
    const found = await this.kbs.use(request.kb, ({ linker }) =>
      this.line.turn(gone, () => linker.candidates(document, { signal: gone })),
    );
    await loadShown(found, limit);
    const place = spanWriter(text, unit);
    return {
      mentions: found.mentions.map(({ mention, candidates }) => ({
        ...mentionAnswer(mention, place),
        candidates: candidates
          .slice(0, limit)
          .flatMap((candidate) => retrievedAnswer(candidate, found.records) ?? []),
      })),
      versions: found.versions,
      timings: timingsAnswer(found.timings),
    };
  }
}

function resultOf({ id, links, annotation }: Annotated) {
  return { id, links, ...degradedFlag(annotation.degraded) };
}

/** Said only where it is so. */
function degradedFlag(isDegraded: boolean): { degraded?: true } {
  return isDegraded ? { degraded: true } : {};
}

async function annotateOne(
  linker: Linker,
  document: RequestedDocument,
  { gone, ...options }: Options & { gone: AbortSignal },
): Promise<Annotated> {
  const annotation = await linker.annotate(document, { ...linkerOptions(options), signal: gone });
  const links = await linksOf(document.text, annotation, options);
  return { id: document.id, links, annotation };
}

async function loadShown({ mentions, records }: Retrieval, limit: number): Promise<void> {
  const keysOf = ({ candidates }: RetrievedMention) =>
    candidates.slice(0, limit).map(({ key }) => key);
  await records.load(mentions.flatMap(keysOf));
}

function summed(timings: readonly StepTimings[]): Record<keyof StepTimings, number> {
  const total = { detect: 0, encode: 0, retrieve: 0, rerank: 0, decide: 0 };
  for (const one of timings) for (const step of STEPS) total[step] += one[step];
  return timingsAnswer(total);
}
