import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { evaluate, type Evaluation } from '../../../libs/evaluation/evaluate.js';
import type { MentionSource } from '../../../libs/evaluation/judge.js';
import type { Prediction } from '../../../libs/evaluation/prediction.js';
import type { RerankMode } from '../../../libs/linking/stages.js';
import { interruptible } from '../interrupt.js';
import { writeResult } from '../output.js';
import { ProgressBar } from '../progress.js';
import { reportFor } from '../report.js';
import { withSession } from '../session.js';
import { settingsWithWarnings, type GlobalOptions } from '../settings.js';

export interface EvaluateOptions extends GlobalOptions {
  readonly kb: string;
  readonly mentions: MentionSource;
  readonly rerank: RerankMode;
  readonly priors: boolean;
  readonly limit?: number;
  readonly seed: number;
  readonly json?: boolean;
  readonly predictions?: string;
  readonly allCandidates?: number;
}

/** `referent evaluate` */
export async function evaluateFile(file: string, options: EvaluateOptions): Promise<void> {
  const evaluation = await interruptible('No figures were printed.', (signal) =>
    run(file, options, signal),
  );
  const text = options.json === true ? JSON.stringify(evaluation) : reportFor(evaluation);
  await writeResult(`${text.trimEnd()}\n`);
}

function run(file: string, options: EvaluateOptions, signal: AbortSignal): Promise<Evaluation> {
  return withSession(settingsWithWarnings(options), options.kb, async ({ linker, store }) => {
    const predictions =
      options.predictions === undefined ? null : await fileSink(options.predictions);
    const bar = new ProgressBar({ label: 'Evaluating', unit: 'mentions' });
    const { mentions: source, rerank, priors, limit, seed } = options;
    const evaluation = await evaluate({
      ...{ file, linker, entities: store.entities, source, rerank, priors, limit, seed, signal },
      onProgress: (state) => {
        bar.update(state);
      },
      onPrediction: predictions?.write,
      predictedCandidates: options.allCandidates,
    });
    await predictions?.close();
    bar.clear();
    return evaluation;
  });
}

interface PredictionSink {
  readonly write: (prediction: Prediction) => Promise<void>;
  readonly close: () => Promise<void>;
}

async function fileSink(path: string): Promise<PredictionSink> {
  const stream: WriteStream = createWriteStream(path);
  await once(stream, 'open');
  return {
    write: async (prediction) => {
      if (!stream.write(`${JSON.stringify(prediction)}\n`)) await once(stream, 'drain');
    },
    close: async () => {
      stream.end();
      await finished(stream);
    },
  };
}
