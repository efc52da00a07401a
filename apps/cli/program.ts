import { Command, InvalidArgumentError, Option } from 'commander';
import type { AnnotateOptions } from './commands/annotate.js';
import type { EvaluateOptions } from './commands/evaluate.js';
import type { ImportOptions } from './commands/import.js';
import type { LearnOptions } from './commands/learn.js';
import type { KbsOptions } from './commands/kbs.js';
import type { VerifyOptions } from './commands/verify.js';
import type { ModelsOptions } from './commands/models.js';
import type { ReembedOptions } from './commands/reembed.js';
import type { MigrateOptions } from './commands/migrate.js';
import type { ServeOptions } from './commands/serve.js';
import type { WorkerOptions } from './commands/worker.js';
import { SHARED_HELP, TOP_HELP, HELP } from './help.js';
import { addKeys } from './key-commands.js';
import { parseSpans } from './spans.js';

const RERANK_MODES = ['adaptive', 'full', 'none'] as const;
/** As libs/kb/store-end.ts has them; the drivers behind it are not loaded for `--help`. */
const STORE_KINDS = ['sqlite', 'postgres'] as const satisfies readonly MigrateOptions['from'][];

/**
 * The command line as commander sees it. Commands are loaded when they run, so that `--help` does not wait for
 * the model runtime.
 */
export function buildProgram(version: string): Command {
  const program = new Command('referent')
    .description('Links the names in a text to the entries of your own knowledge base (KB).')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help; after a command, help for it')
    .option('--debug', 'print whole errors with their stacks')
    .option('--data-dir <folder>', 'where KBs are kept (else REFERENT_DATA_DIR, else .referent)')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(referent --help lists commands and options)')
    .addHelpText('after', TOP_HELP);
  const linking = [addAnnotate, addImport, addLearn, addKbs, addVerify, addMigrate, addEvaluate];
  const running = [addServe, addWorker, addKeys, addReembed, addModels];
  for (const add of [...linking, ...running]) add(program);
  return program;
}

function addAnnotate(program: Command): void {
  program
    .command('annotate')
    .description('link the names in a text')
    .argument('[text]', 'a text, the path of a text file, or - for stdin')
    .option('-f, --file <path>', 'read the text from a file')
    .option('-k, --kb <name>', 'knowledge base (else REFERENT_DEFAULT_KB, else the only one)')
    .addOption(rerankOption())
    .option('-m, --mentions <spans>', 'link these spans only, e.g. 0-7,12-16', parsedBy(parseSpans))
    .option('-c, --candidates <n>', 'show the n best candidates of each mention', count(0, 100))
    .option('--min-confidence <p>', 'links below this are NIL, 0 to 1', probability)
    .option(
      '--min-precision <p>',
      'links as sure as those of which this share was right',
      probability,
    )
    .option(...noPriors)
    .option('--nil', 'also show mentions that nothing in the KB fits')
    .option('--json', 'print the JSON that POST /v1/annotate answers')
    .option('--jsonl', 'read {"id", "text", "mentions"?} a line, write {"id", "links"} a line')
    .option(
      '--batch <file>',
      'annotate {"id", "text", "mentions"?} a line (also .gz, or - for stdin): {"line", "id", "links"} a line',
    )
    .option('--out <file>', 'with --batch: write there, and go on there after a stop')
    .addHelpText('after', HELP.annotate + SHARED_HELP)
    .action(async (text: string | undefined, _options: unknown, command: Command) => {
      const { annotate } = await import('./commands/annotate.js');
      await annotate(text, command.optsWithGlobals<AnnotateOptions>());
    });
}

function addImport(program: Command): void {
  program
    .command('import')
    .description('add or change the entities of a KB from files')
    .argument('<files...>', 'JSON Lines, CSV or TSV, also .gz; - for stdin')
    .requiredOption('-k, --kb <name>', 'knowledge base; made if it does not exist')
    .option('--strict', 'stop at the first bad line and change nothing')
    .addOption(
      new Option('--format <format>', 'else by the name of the file; stdin is jsonl').choices([
        'jsonl',
        'csv',
        'tsv',
      ]),
    )
    .option('--json', 'print the report as JSON')
    .addHelpText('after', HELP.import + SHARED_HELP)
    .action(async (files: string[], _options: unknown, command: Command) => {
      const { importFiles } = await import('./commands/import.js');
      await importFiles(files, command.optsWithGlobals<ImportOptions>());
    });
}

function addLearn(program: Command): void {
  program
    .command('learn')
    .description('learn from labelled texts what names mean in a KB')
    .argument(
      '[files...]',
      'JSON Lines of {id, text, mentions: [{start, end, entityId | null}]}, also .gz; - for stdin',
    )
    .requiredOption('-k, --kb <name>', 'knowledge base')
    .option('--partial', 'not every mention is marked (hyperlinks, say)')
    .option('--strict', 'stop at the first bad line')
    .option('--forget', 'forget all that was learned')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', HELP.learn + SHARED_HELP)
    .action(async (files: string[], _options: unknown, command: Command) => {
      const { learn } = await import('./commands/learn.js');
      await learn(files, command.optsWithGlobals<LearnOptions>());
    });
}

function addKbs(program: Command): void {
  program
    .command('kbs')
    .description('list the knowledge bases')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP.kbs + SHARED_HELP)
    .action(async (_options: unknown, command: Command) => {
      const { listKbs } = await import('./commands/kbs.js');
      await listKbs(command.optsWithGlobals<KbsOptions>());
    });
}

function addVerify(program: Command): void {
  program
    .command('verify')
    .description('check a KB: store, vectors and indexes against each other')
    .requiredOption('-k, --kb <name>', 'knowledge base')
    .option('--json', 'print what was found as JSON')
    .addHelpText('after', HELP.verify + SHARED_HELP)
    .action(async (_options: unknown, command: Command) => {
      const { verify } = await import('./commands/verify.js');
      await verify(command.optsWithGlobals<VerifyOptions>());
    });
}

function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('measure linking on labelled texts')
    .argument(
      '<file>',
      'JSON Lines of {id, text, mentions: [{start, end, entityId | null}]}, also .gz',
    )
    .requiredOption('-k, --kb <name>', 'knowledge base')
    .addOption(
      new Option('-m, --mentions <source>', 'spans: given by the file, or detected')
        .choices(['given', 'detected'])
        .default('given'),
    )
    .addOption(rerankOption())
    .option(...noPriors)
    .option('--limit <n>', 'only a random sample of n mentions', count(1, 1e9))
    .option('--seed <n>', 'seed of the sample', count(0, 2 ** 32 - 1), 1)
    .option('--json', 'print one JSON object')
    .option('--predictions <path>', 'also write what was predicted beside the gold (JSON Lines)')
    .option('--all-candidates <n>', 'there, the n best candidates (else 5)', count(0, 100))
    .addHelpText('after', HELP.evaluate + SHARED_HELP)
    .action(async (file: string, _options: unknown, command: Command) => {
      const { evaluateFile } = await import('./commands/evaluate.js');
      await evaluateFile(file, command.optsWithGlobals<EvaluateOptions>());
    });
}

function addServe(program: Command): void {
  program
    .command('serve')
    .description('serve the HTTP API and its docs')
    .option('-p, --port <n>', 'port (else PORT)', count(0, 65_535))
    .addHelpText('after', HELP.serve + SHARED_HELP)
    .action(async (_options: unknown, command: Command) => {
      const { serve } = await import('./commands/serve.js');
      await serve(command.optsWithGlobals<ServeOptions>());
    });
}

function addWorker(program: Command): void {
  program
    .command('worker')
    .description('take jobs from the queues in Redis (REDIS_URL)')
    .option('--queues <names>', 'only these, e.g. rerank,annotate (else all)', names)
    .option(
      '--concurrency <n>',
      'jobs of a queue at a time (else REFERENT_WORKER_CONCURRENCY)',
      count(1, 64),
    )
    .option('-p, --port <n>', 'answer /health and /metrics at this port', count(0, 65_535))
    .addHelpText('after', HELP.worker + SHARED_HELP)
    .action(async (_options: unknown, command: Command) => {
      const { worker } = await import('./commands/worker.js');
      await worker(command.optsWithGlobals<WorkerOptions>());
    });
}

const names = (value: string): string[] =>
  value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

function addReembed(program: Command): void {
  program
    .command('reembed')
    .description('search a KB with another model, or with the one before again')
    .requiredOption('-k, --kb <name>', 'knowledge base')
    .option('-m, --model <name>', 'the model to change to; referent models lists them')
    .option('--rollback', 'return to the model before')
    .option('--cancel', 'forget what is under way or has stopped')
    .option('--status', 'only say how far it is')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP.reembed + SHARED_HELP)
    .action(async (_options: unknown, command: Command) => {
      const { reembed } = await import('./commands/reembed.js');
      await reembed(command.optsWithGlobals<ReembedOptions>());
    });
}

function addModels(program: Command): void {
  program
    .command('models')
    .description('list the models, and which KBs are searched with them')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP.models + SHARED_HELP)
    .action(async (_options: unknown, command: Command) => {
      const { listModels } = await import('./commands/models.js');
      await listModels(command.optsWithGlobals<ModelsOptions>());
    });
}

function addMigrate(program: Command): void {
  const kinds = STORE_KINDS.join(' or ');
  program
    .command('migrate')
    .description('copy KBs between SQLite files and PostgreSQL')
    .addOption(
      new Option('--from <store>', `where they are: ${kinds}`)
        .choices(STORE_KINDS)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--to <store>', `where they are to be: ${kinds}`)
        .choices(STORE_KINDS)
        .makeOptionMandatory(),
    )
    .option('-k, --kb <name...>', 'only these (else all)')
    .option('--json', 'print the counts and checksums of each as a line of JSON')
    .addHelpText('after', HELP.migrate + SHARED_HELP)
    .action(async (_options: unknown, command: Command) => {
      const { migrate } = await import('./commands/migrate.js');
      await migrate(command.optsWithGlobals<MigrateOptions>());
    });
}

const noPriors = ['--no-priors', 'as if nothing had been learned or given as a prior'] as const;

const rerankOption = (): Option =>
  new Option('-r, --rerank <mode>', 'the cross-encoder reads the close calls, all 100, or none')
    .choices(RERANK_MODES)
    .default('adaptive');

const count =
  (min: number, max: number) =>
  (value: string): number => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };

function probability(value: string): number {
  const number = Number(value);
  if (value.trim() !== '' && number >= 0 && number <= 1) return number;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
}

/** Commander calls parsers with the value before, too; ours take the text only, and say what is wrong with it. */
const parsedBy =
  <T>(parse: (value: string) => T) =>
  (value: string): T => {
    try {
      return parse(value);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
