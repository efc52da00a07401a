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
  referent annotate --batch texts.jsonl.gz --out links.jsonl --kb demo

A [text] that names an existing file is read from that file. Without a text, stdin is read.
Offsets are half-open, [start, end), in UTF-16 units, as in JavaScript's text.slice(start, end).
--batch is for many texts: several at a time, in their order, with a progress bar; a line that is no document gets
{"line", "id", "error"} and the rest goes on. Stopped or killed with --out, the same command goes on where it was.
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
  keys: `
Examples:
  referent keys add --role annotate --name web-shop
  referent keys add --role admin
  referent keys list
  referent keys revoke web-shop

Once there is a key, every request needs one: Authorization: Bearer rk_..., or X-Api-Key: rk_...; /health and /docs stay
open. Keys are kept as hashes in api-keys.json in the data folder (or REFERENT_KEYS_FILE); a server that runs
follows the file. With the last key revoked nobody gets in: add one, or delete the file and start the server again.
`,
  verify: `
Examples:
  referent verify --kb mine
  referent verify --kb mine --json

Reads only, and may run while a server does. It ends with 1 where something is wrong, and says what to do about it.
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
  worker: `
Examples:
  REDIS_URL=redis://127.0.0.1:6379 referent worker
  REDIS_URL=redis://127.0.0.1:6379 referent worker --queues rerank --concurrency 8

The API with the same REDIS_URL hands out the jobs; start as many workers as there is work for, on any machine that
has the same models and reaches the same knowledge bases. Ctrl-C or SIGTERM stops one: what runs is finished within
REFERENT_SHUTDOWN_MS, the rest is given back to the others.
`,
  reembed: `
Examples:
  referent reembed --kb mine --model referent-v2
  referent reembed --kb mine --status
  referent reembed --kb mine --rollback

Entities get vectors of the new model beside the old ones, an index is built and checked, and then every process that
runs changes over; requests are answered all the while. Stopped or killed, it goes on where it was: in a server or worker
that runs, or when the same command is given again. The vectors of the model before stay for a rollback.
With REDIS_URL set, workers encode and build, and this command shows how far they are.
`,
  models: `
Examples:
  referent models
  REFERENT_MODELS_DIR=/srv/models referent models --json

A model is a folder with a manifest.json in REFERENT_MODELS_DIR, and the one of REFERENT_MODEL_DIR.
`,
  migrate: `
Examples:
  DATABASE_URL=postgres://user:password@host/database referent migrate --from sqlite --to postgres
  referent migrate --from postgres --to sqlite --kb mine

SQLite files are those of the data folder, PostgreSQL is that of DATABASE_URL. Everything goes along: entities with
their keys, names, vectors of all models, what was learned, the change feed. A KB appears in the target when all of it
is there and was read back with the same counts and checksums, or not at all; a stopped or killed run leaves nothing
that is seen, and is simply run again. Nobody can write to a KB while it is copied (they are told to try again). The
source stays as it is; a KB whose name the target has is refused. Servers use the target once they are started with
(or without) DATABASE_URL; they make their index files anew from the vectors.
`,
} as const;
