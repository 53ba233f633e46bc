import { availableParallelism } from 'node:os';
import type { Argv } from 'yargs';
import type { ExpectedWorker } from '../coordinator/run.ts';
import { runProgram } from '../engine/run-program.ts';
import { localEnvironment } from '../launch/local-environment.ts';
import { type LocalWorkers, launchLocalWorkers } from '../launch/local-workers.ts';
import { deadlinesFrom } from '../shared/core/deadlines.ts';
import { badInput, type ErrorCode, exitCodes } from '../shared/core/errors.ts';
import { listenForInterruption } from './interruption.ts';
import { type ResumedRun, resolveRunSettings } from './resumed-run.ts';
import { createRunOutput } from './run-output.ts';
import { configOption, type TrainSettings, trainSettings, workerMetricsSetting, yargsOptions } from './settings.ts';
import { startRun } from './start-run.ts';
import { canCost, pricesSetting, priceWorker, today, unreachableBudget } from './worker-price.ts';
import { type PlannedWorker, planWorkers, workerSetting } from './worker-specs.ts';

/** With `--worker` the number of workers need not be given as well. */
const trainCommandSettings = {
  ...trainSettings,
  workers: { ...trainSettings.workers, schema: trainSettings.workers.schema.unwrap().optional() },
  worker: workerSetting,
  prices: pricesSetting,
  workerMetrics: workerMetricsSetting,
} as const;

type LocalTrainSettings = TrainSettings & { readonly prices: string | undefined };

/** A worker's own words travel by socket, and may arrive after the news of its exit. */
const lastWordsMs = 500;

export function addTrainCommand(cli: Argv): Argv {
  return cli.command(
    'train',
    'Train on this host: starts a coordinator and its workers',
    (command) =>
      command
        .options({ ...yargsOptions(trainCommandSettings), ...configOption })
        .example('$0 train', 'MNIST on two workers')
        .example('$0 train --workers 4 --price 0.35', 'four workers at $0.35 an hour each')
        .example('$0 train --worker backend=wasm,count=2 --worker backend=cpu,price=0.01', 'workers that differ')
        .example('$0 train --workers 1 --threads 4', 'one worker on four cores')
        .example('$0 train --worker gpu=gcp/t4/spot,count=2', 'at the price that the table has for it')
        .example('$0 train --dataset fashion-mnist --epochs 10 --lr 0.0005', 'another dataset, longer and slower')
        .example('$0 train --data-dir ./mnist --json > run.jsonl', 'IDX files of your own, events for machines')
        .example('$0 train --price 1.20 --budget-usd 5', 'stop, resumably, when $5 are spent')
        .example('$0 train --otlp http://localhost:4318', 'metrics to an OpenTelemetry Collector')
        .example('$0 train --resume runs/RUN-ID', 'go on with a run that ended early')
        .example('$0 train --config run.yaml --seed 2', 'settings from a file, one of them changed'),
    async (argv) => {
      const { settings, resumed } = resolveRunSettings(trainCommandSettings, argv);
      const planned = planWorkers(settings.worker, settings);
      // Each worker looks its price up itself; that it has one is known before any is started.
      const expected = planned.map(({ id, gpu, priceUsdPerHour: price }) => ({
        workerId: id,
        priceUsdPerHour: priceWorker({ gpu, price }, settings.prices, today()).priceUsdPerHour ?? settings.price,
      }));
      const prices = expected.map(({ priceUsdPerHour }) => priceUsdPerHour);
      if (settings.budgetUsd !== undefined && !canCost(prices)) {
        throw badInput(`${unreachableBudget(settings.budgetUsd)}; give one with --price, or --worker gpu=gcp/t4/spot`);
      }
      process.exitCode = await trainLocally(
        { ...settings, workers: planned.length },
        planned.map((worker, index) => ({ ...worker, metricsPort: portAfter(settings.workerMetrics, index) })),
        expected,
        ...([argv.verbose === true, resumed] as const),
      );
    },
  );
}

interface LocalWorker extends PlannedWorker {
  /** Of its own metrics, which it serves only if there is one. */
  readonly metricsPort: number | undefined;
}

/** 0, any free port, is so for all. */
function portAfter(first: number | undefined, index: number): number | undefined {
  return first === undefined || first === 0 ? first : first + index;
}

async function trainLocally(
  settings: LocalTrainSettings,
  planned: readonly LocalWorker[],
  expected: readonly ExpectedWorker[],
  verbose: boolean,
  resumed: ResumedRun | undefined,
): Promise<number> {
  const output = createRunOutput({ ...settings, verbose });
  let workers: LocalWorkers | undefined;
  const stopWorkers = async () => workers?.stop(deadlinesFrom(settings.timeout).exitMs);
  let exitCode: number | undefined;
  const interruption = listenForInterruption(
    () => {
      if (exitCode === undefined) output.note('stopping after the step in flight; Ctrl-C again kills at once');
    },
    () => {
      workers?.kill();
      process.exit(exitCode ?? exitCodes.interrupted);
    },
  );
  try {
    const environment = await localEnvironment(
      planned.map(({ backend }) => backend),
      runProgram,
    );
    await startRun({
      settings,
      resumed,
      output,
      workersLeft: stopWorkers,
      expected,
      bind: 'tcp://127.0.0.1:*',
      pricesFile: settings.prices,
      signal: interruption.signal,
      onListening({ endpoint, workerGone, workerEnded }, dataset) {
        const crowding = describeCrowding(planned, availableParallelism());
        if (crowding !== undefined) output.warn(crowding);
        workers = launchLocalWorkers({
          workers: planned.map((worker) => ({
            id: worker.id,
            args: workerArguments(settings, worker, endpoint, dataset.name),
          })),
          environment,
          onLine: (workerId, line) => output.workerLine(workerId, line),
          onGone: workerEnded,
          onExit(workerId, { reason, code }) {
            if (code === null) workerGone(workerId, reason);
            else setTimeout(() => workerGone(workerId, reason, errorCodeOf(code)), lastWordsMs);
          },
        });
      },
      onEnd(code) {
        exitCode = code;
      },
    });
    return exitCode ?? exitCodes.runFailed;
  } finally {
    await stopWorkers();
    interruption.dispose();
  }
}

/** A local worker's exit code is what this process would exit with, were the fault its own. */
function errorCodeOf(exitCode: number): ErrorCode {
  return exitCode === exitCodes.usage ? 'bad-input' : exitCode === exitCodes.runFailed ? 'run-failed' : 'quorum-lost';
}

/** Threads beyond the cores there are only take turns. */
function describeCrowding(planned: readonly PlannedWorker[], cores: number): string | undefined {
  const threads = planned.reduce((sum, worker) => sum + (worker.threads ?? 1), 0);
  if (threads <= cores) return undefined;
  const wanted = threads === planned.length ? '' : ` of ${threads} threads`;
  return `${planned.length} workers${wanted} share ${cores} cores: each will be slower`;
}

function workerArguments(
  settings: LocalTrainSettings,
  { backend, threads, priceUsdPerHour, duty, gpu, metricsPort }: LocalWorker,
  endpoint: string,
  dataset: string,
): readonly string[] {
  const { dataDir, cacheDir, mirrors, timeout, metricsHost } = settings;
  const optional = Object.entries({
    'data-dir': dataDir,
    'cache-dir': cacheDir,
    mirrors: mirrors?.join(','),
    threads: threads?.toString(),
    price: priceUsdPerHour?.toString(),
    duty: duty?.toString(),
    gpu,
    prices: settings.prices,
    ...(metricsPort === undefined ? {} : { 'worker-metrics': String(metricsPort), 'metrics-host': metricsHost }),
  });
  return [
    ...['--connect', endpoint, '--backend', backend, '--dataset', dataset, '--timeout', String(timeout)],
    ...optional.flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, value])),
  ];
}
