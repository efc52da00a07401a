import { linesOfFile } from '../../libs/evaluation/lines.js';
import { normaliseName } from '../../libs/text/normalise.js';

/** The normalised names of an entities file (JSON Lines, also gzipped), without a store. */
export async function namesOfFile(file: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for await (const { text } of linesOfFile(file)) {
    const { title, aliases } = JSON.parse(text) as { title: string; aliases: readonly string[] };
    for (const name of [title, ...aliases]) names.add(normaliseName(name));
  }
  names.delete('');
  return names;
}
