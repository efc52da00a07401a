/** What `--help` says after the list of options. */

export const TOP_HELP = `
Start here:
  npm start                                          serve the demo KB and open its docs
  referent annotate "Mercury is closest to the Sun." --kb demo

With a KB of your own, one entity a line:
  {"id": "mercury", "title": "Mercury", "aliases": ["Hermes' planet"],
   "description": "The smallest planet of the Solar System.", "types": ["planet"]}
  referent import entities.jsonl --kb planets
  referent annotate --file letter.txt --kb planets

Results go to stdout, progress and notes to stderr.
Exit codes: 0 done; 1 failed; 2 wrong options or bad input; 130 stopped with Ctrl-C.
Settings come from the environment (REFERENT_DATA_DIR, REFERENT_MODEL_DIR, PORT, ...): see docs/settings.md.
`;

export const SHARED_HELP = `
Exit codes: 0 done; 1 failed; 2 wrong options or bad input; 130 stopped with Ctrl-C.
`;

export const HELP = {
  annotate: `
Examples:
  referent annotate "Java is an island." --kb demo
  referent annotate --file letter.txt --kb demo --candidates 3
  curl -s https://example.org/a.txt | referent annotate - --kb demo --json
  referent annotate "Java is an island." --kb demo --mentions 0-4
  referent annotate --jsonl --file texts.jsonl --kb demo > links.jsonl

A [text] that names an existing file is read from that file. Without a text, stdin is read.
Offsets are half-open, [start, end), in UTF-16 units, as in JavaScript's text.slice(start, end).
`,
  import: `
Examples:
  referent import entities.jsonl --kb mine
  referent import a.jsonl.gz b.csv --kb mine
  zcat dump.gz | referent import - --kb mine --format tsv

An entity is {id, title, aliases?, description?, types?, prior?, url?, data?}; an alias is a string or
{name, prior}. CSV and TSV need a header with these names; several aliases or types are split at "|".
An id that the KB has is replaced; entities not in the files stay. Bad lines are reported with number and
reason, and left out. The new state becomes visible in one step at the end. A stopped import is simply run
again: what was encoded before is not encoded twice.
`,
  learn: `
Examples:
  referent learn labelled.jsonl --kb mine
  referent learn train.jsonl.gz links.jsonl.gz --kb mine --partial
  referent learn --kb mine --forget

From then on the KB knows how often a name means which entity, names that only your texts use, and how often a
surface is a mention at all. Bad lines, and mentions of entities that the KB does not have, are reported and left
out. A text that was learned before is not counted twice, so a stopped run is simply run again.
`,
  kbs: `
Examples:
  referent kbs
  referent kbs --json
`,
  evaluate: `
Examples:
  referent evaluate gold.jsonl --kb mine
  referent evaluate dev.jsonl.gz --kb mine --rerank none --limit 500 --seed 1 --json
  referent evaluate gold.jsonl --kb mine --mentions detected --predictions predictions.jsonl
  referent evaluate dev.jsonl.gz --kb mine --predictions all.jsonl --all-candidates 100

Recall is that of the retrieved list before reranking. Accuracy asks whether the first candidate is the gold
entity, over mentions whose gold entity is in the KB. For detected mentions, end-to-end figures count exact span
and entity, links in the KB only, micro over documents (GERBIL's strong annotation match, InKB).
--limit draws mentions for given spans, whole documents until they hold that many mentions for detected ones.
A prediction has all that the pipeline knows of the mention and of its best candidates; --all-candidates 100
writes every one of them, to calibrate a model with.
`,
  serve: `
Examples:
  referent serve
  PORT=8080 referent serve

GET /docs shows the API, GET /health/ready is 200 when links can be made. Ctrl-C stops it.
`,
} as const;
