import type { GoldDocument } from '../../libs/evaluation/gold.js';
import { gazetteerMentionsInTurns, type KnownNames } from '../../libs/linking/gazetteer.js';
import { normaliseName } from '../../libs/text/normalise.js';

interface Counts {
  marked: number;
  seen: number;
}

/** How often the surfaces of labelled texts occur there, and how often as a mention (Mihalcea and Csomai 2007). */
export class LearnedSurfaces {
  private readonly counts = new Map<string, Counts>();

  /** Reads the documents of `train` twice: for what is a name there, then for how often each stands. */
  async learn(
    documents: () => AsyncIterable<GoldDocument & { readonly split: string }>,
    listed: KnownNames,
  ): Promise<void> {
    for await (const { split, text, mentions } of documents()) {
      if (split !== 'train') continue;
      for (const { start, end } of mentions) this.countOf(text.slice(start, end)).marked++;
    }
    const names = { has: (name: string) => listed.has(name) || this.has(name) };
    for await (const { split, text, mentions } of documents()) {
      if (split !== 'train') continue;
      const marked = new Set(mentions.map(({ start, end }) => `${start}:${end}`));
      for (const { start, end } of mentions) this.countOf(text.slice(start, end)).seen++;
      for (const { start, end, surface } of await gazetteerMentionsInTurns(text, names)) {
        if (!marked.has(`${start}:${end}`)) this.countOf(surface).seen++;
      }
    }
  }

  /** A surface that was marked is a name from then on. */
  has(name: string): boolean {
    return (this.counts.get(name)?.marked ?? 0) > 0;
  }

  of(name: string): Counts | null {
    return this.counts.get(name) ?? null;
  }

  private countOf(surface: string): Counts {
    const name = normaliseName(surface);
    const counts = this.counts.get(name) ?? { marked: 0, seen: 0 };
    this.counts.set(name, counts);
    return counts;
  }
}
