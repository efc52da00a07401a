import { EntityWriter, type EntityWrite, type WriteOptions, type WriteReport } from './kb-store.js';
import { changeVisibly } from './postgres-feed.js';
import type { PostgresKb } from './postgres-kb.js';
import { writePage } from './postgres-write-page.js';

export class PostgresEntityWriter extends EntityWriter {
  constructor(private readonly kb: PostgresKb) {
    super();
  }

  override write(writes: readonly EntityWrite[], options: WriteOptions): Promise<WriteReport> {
    return changeVisibly(this.kb, options, (session, state) =>
      writePage(session, { ...{ identity: this.kb.identity, state, writes }, ...options }),
    );
  }
}
