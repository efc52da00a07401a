import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Step } from './stages.js';

/**
 * What the pipeline tells whoever counts, whichever KB and model it ran with; with nobody listening it costs nothing.
 * No event holds a text.
 */
class LinkingEvent<T extends object> {
  private readonly channel;

  constructor(private readonly name: string) {
    this.channel = channel(name);
  }

  publish(what: T): void {
    this.channel.publish(what);
  }

  /** The returned function ends it. */
  listen(hear: (what: T) => void): () => void {
    const heard = (what: unknown) => {
      hear(what as T);
    };
    subscribe(this.name, heard);
    return () => {
      unsubscribe(this.name, heard);
    };
  }
}

/** A step of one document was done. */
export const stepTaken = new LinkingEvent<{ readonly step: Step; readonly milliseconds: number }>(
  'referent:step-taken',
);

/** All five steps of one document were done. */
export const documentLinked = new LinkingEvent<{
  readonly pairsScored: number;
  /** Mentions that were decided on. */
  readonly mentions: number;
  /** Of these, mentions of an entity; the rest is NIL. */
  readonly links: number;
  /** The cross-encoder did not answer in time: decided without it. */
  readonly isDegraded: boolean;
}>('referent:document-linked');
