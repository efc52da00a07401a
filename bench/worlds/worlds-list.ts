/** A world: a KB with a train and a dev split of labelled texts. */
export interface World {
  readonly name: string;
  /** In its train split not every mention is marked (hyperlinks), so it is learned with --partial. */
  readonly isPartial: boolean;
  /** In its dev split every mention is marked, so detected mentions can be judged. */
  readonly isDetected: boolean;
  /** Small enough for a second KB without a tenth of its entities. */
  readonly isReduced: boolean;
}

const linked = { isPartial: true, isDetected: false, isReduced: true };
const annotated = { isPartial: false, isDetected: true, isReduced: false };

export const WORLDS: readonly World[] = [
  { name: 'mdn', ...linked },
  { name: 'rpg', ...linked },
  { name: 'win32', ...linked, isReduced: false },
  { name: 'foldoc', ...linked },
  { name: 'attack', ...linked, isDetected: true },
  { name: 'disease', ...annotated, isReduced: true },
  { name: 'craft', ...annotated },
  { name: 'wordnet', ...annotated, isDetected: false },
  { name: 'wiki', ...linked, isReduced: false },
];

/** Texts written by hand about entities that share their names (training/namesakes). */
export const NAMESAKES = 'namesakes';
