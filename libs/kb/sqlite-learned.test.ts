import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteCatalog } from './sqlite-catalog.js';
import { SqliteConnection } from './sqlite-driver.js';
import { entity, importAll } from './testing/records.js';

const LESSON = { hash: 'ab'.repeat(32), surfaces: [{ name: 'red', seen: 1, marked: 1 }] };

describe('learned counts in SQLite', () => {
  let dataDir: string;
  let catalog: SqliteCatalog;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'referent-learned-'));
    catalog = new SqliteCatalog({ dataDir });
  });
  afterEach(async () => {
    await catalog.close();
    rmSync(dataDir, { recursive: true });
  });

  /** Runs statements as another program would. */
  function change(sql: string): void {
    const connection = SqliteConnection.open(join(dataDir, 'kbs', 'demo', 'store.sqlite'));
    connection.exec(sql);
    connection.close();
  }

  it('go when their entity is deleted', async () => {
    const store = await catalog.openOrCreate('demo');
    await importAll(store, [entity({ id: 'mars' }), entity({ id: 'venus' })]);
    const [mars, venus] = (await store.changesSince(0, 2)).map(({ key }) => key);
    const mentions = [mars, mars, venus].map((key = NaN) => ({ name: 'red', key }));
    await store.learned.learn([{ ...LESSON, mentions }]);
    change(`DELETE FROM entity WHERE key = ${mars}`);
    const hits = (await store.names.exact(['red'])).get('red');
    expect(hits).toMatchObject([{ key: venus, learned: { count: 1, total: 1 } }]);
  });

  it('are learned by a KB that an earlier release made', async () => {
    await importAll(await catalog.openOrCreate('demo'), [entity({ id: 'mars' })]);
    await catalog.close();
    change(`DROP TRIGGER learned_name_goes_with_its_entity;
      DROP TABLE learned_document; DROP TABLE learned_name; DROP TABLE learned_surface;
      ALTER TABLE kb DROP COLUMN forgotten_at;
      DROP TRIGGER content_retires_with_a_change; DROP TRIGGER content_retires_with_its_entity;
      DROP TABLE retired_content; DROP TABLE reembedding;
      ALTER TABLE kb DROP COLUMN active_model;
      ALTER TABLE kb DROP COLUMN previous_model;
      DELETE FROM migration WHERE version >= 2;`);
    const store = await catalog.open('demo');
    const [mars = NaN] = (await store.changesSince(0, 1)).map(({ key }) => key);
    await store.learned.learn([{ ...LESSON, mentions: [{ name: 'red', key: mars }] }]);
    expect((await store.names.exact(['red'])).get('red')).toMatchObject([{ key: mars }]);
  });
});
