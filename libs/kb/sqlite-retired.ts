import { breathe } from './settle.js';
import { sequenceOf } from './sqlite-commit.js';
import { blobBytes, type SqliteConnection } from './sqlite-driver.js';
import type { SqliteWriter } from './sqlite-writer.js';

/** Contents looked after at a time, entities looked through at a time, and contents dropped in one transaction. */
const CONTENTS = 50_000;
const ENTITIES = 5_000;
const DROPPED_AT_ONCE = 200;

/** Drops the vectors of retired contents that no entity has, in steps of some milliseconds; gives of how many. */
export async function dropRetired(reader: SqliteConnection, writer: SqliteWriter): Promise<number> {
  let dropped = 0;
  for (;;) {
    const since = sequenceOf(reader);
    const retired = hashesOf(reader, `SELECT content_hash FROM retired_content LIMIT ${CONTENTS}`);
    if (retired.size === 0) return dropped;
    const unused = await withoutUsed(reader, retired);
    for (const some of slices([...retired], DROPPED_AT_ONCE)) {
      const gone = some.filter((hash) => unused.has(hash));
      dropped += await writer.transaction((connection) => dropSome(connection, { some, gone, since }));
      await breathe();
    }
  }
}

async function withoutUsed(
  reader: SqliteConnection,
  hashes: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const unused = new Set(hashes);
  for (let last = 0; unused.size > 0;) {
    const page = reader.rows(
      'SELECT key, content_hash FROM entity WHERE key > ? ORDER BY key LIMIT ?',
      last,
      ENTITIES,
    );
    if (page.length === 0) break;
    for (const [, hash] of page) unused.delete(hexOf(hash));
    last = Number(page.at(-1)?.[0]);
    await breathe();
  }
  return unused;
}

/** What an entity has taken up again since the look stays; so does that it may be retired. */
function dropSome(
  connection: SqliteConnection,
  { some, gone, since }: { some: readonly string[]; gone: readonly string[]; since: number },
): number {
  const again = hashesOf(
    connection,
    `SELECT e.content_hash FROM change AS c JOIN entity AS e ON e.key = c.key WHERE c.sequence > ${since}`,
  );
  const sure = gone.filter((hash) => !again.has(hash));
  connection.run(
    `DELETE FROM vector WHERE model IN (SELECT id FROM model)
       AND content_hash IN (SELECT unhex(value) FROM json_each(?))`,
    JSON.stringify(sure),
  );
  connection.run(
    'DELETE FROM retired_content WHERE content_hash IN (SELECT unhex(value) FROM json_each(?))',
    JSON.stringify(some),
  );
  return sure.length;
}

function hashesOf(connection: SqliteConnection, query: string): Set<string> {
  return new Set(connection.rows(query).map(([hash]) => hexOf(hash)));
}

function hexOf(blob: unknown): string {
  return Buffer.from(blobBytes(blob)).toString('hex');
}

function* slices<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}
