import { openCatalog } from '../../../libs/kb/open-catalog.js';
import type { KbInfo } from '../../../libs/kb/kb-store.js';
import { table } from '../layout.js';
import { writeNote, writeResult } from '../output.js';
import { grouped } from '../progress.js';
import { settingsWithWarnings, type GlobalOptions } from '../settings.js';

export interface KbsOptions extends GlobalOptions {
  readonly json?: boolean;
}

/** `referent kbs` */
export async function listKbs(options: KbsOptions): Promise<void> {
  const settings = settingsWithWarnings(options);
  const catalog = openCatalog(settings);
  try {
    const kbs = await catalog.list();
    await writeResult(options.json === true ? `${JSON.stringify({ kbs })}\n` : kbTable(kbs));
    if (kbs.length === 0) {
      writeNote(
        `No knowledge base in ${settings.dataDir}. Make one: referent import FILE --kb NAME.`,
      );
    }
  } finally {
    await catalog.close();
  }
}

function kbTable(kbs: readonly KbInfo[]): string {
  if (kbs.length === 0) return '';
  return table([
    ['NAME', 'ENTITIES', 'NAMES', 'CHANGED'],
    ...kbs.map(({ name, entities, names, updatedAt, problem }) =>
      problem === undefined
        ? [name, grouped(entities), grouped(names), updatedAt]
        : [name, '-', '-', problem],
    ),
  ]);
}
