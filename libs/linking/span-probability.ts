import type { SurfaceForm } from './surface-form.js';

/** How often a name of the KB, written so, is a labelled mention: a simple table, see docs/decisions.md. */
const GAZETTEER: Readonly<Record<SurfaceForm, number>> = {
  phrase: 0.9,
  coded: 0.9,
  capitalised: 0.9,
  'sentence-start': 0.75,
  plain: 0.6,
};

/** The same for a name that only `compromise` found: its borders are less sure, its entity may not be in the KB. */
const COMPROMISE = 0.5;

export function gazetteerProbability(form: SurfaceForm): number {
  return GAZETTEER[form];
}

export function properNameProbability(): number {
  return COMPROMISE;
}
