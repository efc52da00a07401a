/** What the encoders read of an entity. */
export interface EntityText {
  readonly title: string;
  readonly aliases: readonly string[];
  readonly types: readonly string[];
  readonly description: string;
}
