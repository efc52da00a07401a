import type { GoldDocument } from '../../libs/evaluation/gold.js';
import { median } from '../support/figures.js';
import type { PeerLinker } from './linkers.js';

export interface PeerTimes {
  /** Seconds of each block of documents. */
  readonly seconds: number[];
  right: number;
}

/**
 * All linkers link all documents, block by block in turns, so that other work on the machine hits all; they begin
 * with a document that does not count.
 */
export async function contest(
  linkers: readonly PeerLinker[],
  documents: readonly GoldDocument[],
  blocks: number,
): Promise<PeerTimes[]> {
  const times = linkers.map((): PeerTimes => ({ seconds: [], right: 0 }));
  const [first] = documents;
  if (first !== undefined) for (const linker of linkers) await linker.link(first);
  for (let block = 0; block < blocks; block++) {
    const part = documents.filter((_, at) => at % blocks === block);
    for (const [at, linker] of linkers.entries()) {
      const since = performance.now();
      for (const document of part) {
        const found = await linker.link(document);
        const isRight = ({ entityId }: { entityId: string | null }, mention: number) =>
          entityId === found[mention];
        const of = times[at];
        if (of !== undefined) of.right += document.mentions.filter(isRight).length;
      }
      times[at]?.seconds.push((performance.now() - since) / 1_000);
    }
  }
  return times;
}

/** How many times as many documents a second ours links: the median over blocks. */
export function speedRatio(ours: PeerTimes, theirs: PeerTimes): number {
  return median(theirs.seconds.map((seconds, block) => seconds / (ours.seconds[block] ?? NaN)));
}
