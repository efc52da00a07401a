import type { BatchEntry } from '../kb/batch-store.js';

/** What is lost by a kill, and annotated again, is a page at most: seconds of work. */
const MAX_DOCUMENTS = 16;
const MAX_CHARS = 8_000;

/** Gathers documents into the pages in which they are stored and annotated. */
export class Pages {
  private pages: BatchEntry[][] = [];
  private page: BatchEntry[] = [];
  private pageChars = 0;
  /** Of all pages gathered. */
  chars = 0;

  add(entry: BatchEntry): void {
    const chars = 'document' in entry ? entry.document.text.length : 0;
    const isFull =
      this.page.length >= MAX_DOCUMENTS ||
      (this.page.length > 0 && this.pageChars + chars > MAX_CHARS);
    if (isFull) this.endPage();
    this.page.push(entry);
    this.pageChars += chars;
    this.chars += chars;
  }

  /** What was gathered so far, and begins anew. */
  take(): BatchEntry[][] {
    this.endPage();
    const { pages } = this;
    this.pages = [];
    this.chars = 0;
    return pages;
  }

  private endPage(): void {
    if (this.page.length > 0) this.pages.push(this.page);
    this.page = [];
    this.pageChars = 0;
  }
}
