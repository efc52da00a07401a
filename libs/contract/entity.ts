import { z } from 'zod';

/** Limits of one entity; a longer value is refused with its line number, never cut in silence. */
export const ENTITY_LIMITS = {
  idChars: 512,
  titleChars: 1_000,
  aliases: 10_000,
  aliasChars: 2_000,
  types: 100,
  descriptionChars: 100_000,
} as const;

const alias = z.object({
  name: z.string().trim().min(1).max(ENTITY_LIMITS.aliasChars),
  /** A weight above 0: a probability or a count; it is normalised over the entities that share the name. */
  prior: z.number().positive().optional(),
});

/** One entry of a knowledge base as its owner writes it. An alias is a string or `{name, prior}`. */
export const entityRecord = z.object({
  id: z.string().min(1).max(ENTITY_LIMITS.idChars),
  title: z.string().trim().min(1).max(ENTITY_LIMITS.titleChars),
  aliases: z
    .array(
      z.union([
        z
          .string()
          .transform((name) => ({ name }))
          .pipe(alias),
        alias,
      ]),
    )
    .max(ENTITY_LIMITS.aliases)
    .default([]),
  description: z.string().max(ENTITY_LIMITS.descriptionChars).default(''),
  types: z.array(z.string().trim().min(1).max(200)).max(ENTITY_LIMITS.types).default([]),
  prior: z.number().positive().optional(),
  url: z.string().max(2_000).optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});

export type EntityRecord = z.output<typeof entityRecord>;
