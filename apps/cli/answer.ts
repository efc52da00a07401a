import type { AnnotateOptions } from '../../libs/contract/annotate.js';
import type { AnnotateTextResponse } from '../../libs/contract/responses.js';
import { linkerOptions, linksOf, timingsAnswer } from '../../libs/linking/answer.js';
import type { Linker, LinkerDocument } from '../../libs/linking/linker.js';

/** What `POST /v1/annotate` answers for the same text; test/cli.test.ts holds the two together byte by byte. */
export async function annotateText(
  linker: Linker,
  document: LinkerDocument,
  options: AnnotateOptions,
): Promise<AnnotateTextResponse> {
  const annotation = await linker.annotate(document, linkerOptions(options));
  const links = await linksOf(document.text, annotation, options);
  return { links, versions: annotation.versions, timings: timingsAnswer(annotation.timings) };
}
