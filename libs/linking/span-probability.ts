import type { SurfaceForm } from './surface-form.js';

/**
 * How often a name of the KB, written so, is a labelled mention. From dev documents of two worlds of other
 * kinds, attack (250; links of prose, so only some mentions are labelled) and disease (60; all are labelled),
 * rounded: phrase, coded and capitalised .71 and .66, and .82 and .85 where retrieval is sure of the entity;
 * sentence-start 1.00 and 1.00 (few); plain .03 and .45.
 */
const GAZETTEER: Readonly<Record<SurfaceForm, number>> = {
  phrase: 0.9,
  coded: 0.9,
  capitalised: 0.9,
  'sentence-start': 0.9,
  plain: 0.5,
};

/**
 * The same for a name that only `compromise` found: .00 of 276 and .06 of 275 were labelled, and hardly one
 * of those was linked right. At the usual threshold such a mention stays NIL.
 */
const COMPROMISE = 0.1;

export function gazetteerProbability(form: SurfaceForm): number {
  return GAZETTEER[form];
}

export function properNameProbability(): number {
  return COMPROMISE;
}
