import { markdown } from '../../support/markdown.js';

const BLINK = "BLINK's README";
const ELEVANT = "ELEVANT's evaluation results";
const KARTCHNER = 'notebooks of Kartchner et al. (EMNLP 2023)';
const BIOSYN = "BioSyn's README";
const AIDA = 'AIDA test, spans of its own';

/** System, data, figure, value, and where it was read: in the repository or the abstract itself. */
const PUBLISHED: readonly (readonly [string, string, string, string, string])[] = [
  ['BLINK', 'TAC-KBP 2010, 5.9M entities', 'accuracy / recall at 100', '.909 / .984', BLINK],
  ['BLINK', 'AIDA testb, 5.9M entities', 'accuracy / recall at 100', '.803 / .966', BLINK],
  ['BLINK', 'WIKI, 5.9M entities', 'accuracy / recall at 100', '.807 / .978', BLINK],
  ['Agarwal & Bikel 2020', 'TAC-KBP 2010', 'accuracy', '.9205', "the paper's abstract"],
  ['BLINK, bi-encoder', 'ZESHEL test', 'recall at 64', '.821', 'abstract of arXiv 2103.04156'],
  ['Partalidou et al. 2021', 'ZESHEL test', 'recall at 50', '.843', 'abstract of arXiv 2103.04156'],
  ['ReFinED', AIDA, 'F1 end to end', '.852', ELEVANT],
  ['REL 2014', AIDA, 'F1 end to end', '.830', ELEVANT],
  ['GENRE', AIDA, 'F1 end to end', '.829', ELEVANT],
  ['DBpedia Spotlight', AIDA, 'F1 end to end', '.579', ELEVANT],
  ['prior alone', AIDA, 'F1 end to end', '.519', ELEVANT],
  ['ReLiK large', 'AIDA, GERBIL', 'F1 end to end, InKB', '.864', "ReLiK's README"],
  ['BioSyn + SapBERT', 'NCBI disease, given mentions', 'accuracy', '.924', BIOSYN],
  ['BioSyn + SapBERT', 'BC5CDR disease, given mentions', 'accuracy', '.935', BIOSYN],
  ['SapBERT', 'BC5CDR, given mentions', 'recall at 1 / 100', '.852 / .936', KARTCHNER],
  ['scispaCy', 'BC5CDR, where it found the span', 'recall at 1', '.859', KARTCHNER],
  ['scispaCy', 'BC5CDR, all gold spans', 'recall at 1', '.509', KARTCHNER],
  [
    ...(['BioBERT + OpenNMT', 'CRAFT, ten ontologies one by one', 'F1 end to end'] as const),
    ...(['.530 to .978', 'UCDenver repository (BMC Bioinformatics 2021)'] as const),
  ],
];

export const publishedSection = (): string => `## What peers publish of themselves

Other data, other KBs and other rules than in the tables above: this shows the field, and no row can be subtracted from
ours. \`disease\` has texts of NCBI disease and BC5CDR, but its dev split is cut otherwise; \`craft\` has papers of
CRAFT, but one KB of all ontologies.

${markdown([['system', 'data', 'figure', 'value', 'read in'], ...PUBLISHED])}
`;
