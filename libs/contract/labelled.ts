import { z } from 'zod';

/** A mention whose entity is known: `[start, end)` in UTF-16 units; `entityId` null says that no entity of the KB fits (NIL). */
export const labelledMention = z.object({
  start: z.int().min(0),
  end: z.int().min(1),
  /** What the span reads, where the writer wants the offsets checked. */
  text: z.string().optional(),
  entityId: z.string().nullable(),
});

/** One line of a file of labelled texts, for learning and for evaluation. */
export const labelledDocument = z.object({
  id: z.string(),
  text: z.string(),
  mentions: z.array(labelledMention),
});

export type LabelledMention = z.output<typeof labelledMention>;
export type LabelledDocument = z.output<typeof labelledDocument>;
