import type { Versions } from '../contract/annotate.js';
import type { PageResults, TakenPage } from '../kb/batch-store.js';
import { annotateEntry, type EntryWork } from './annotate-entry.js';

/**
 * The results of a page, in its order.
 * @throws what may pass, and the signal's reason.
 */
export async function annotatePage(page: TakenPage, work: EntryWork): Promise<PageResults> {
  const lines: string[] = [];
  let failed = 0;
  let versions: Versions | null = null;
  for (const entry of page.entries) {
    work.signal.throwIfAborted();
    const result = await annotateEntry(entry, page.options, work);
    if (result.versions === null) failed += 1;
    else versions = result.versions;
    lines.push(result.text);
  }
  return { lines: lines.join(''), done: lines.length - failed, failed, versions };
}
