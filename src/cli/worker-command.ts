import { cpus, hostname } from 'node:os';
import type { Argv } from 'yargs';
import { z } from 'zod';
import { enginesWith, selectEngine } from '../engine/engines.ts';
import { runProgram } from '../engine/run-program.ts';
import { listGpus } from '../engine/tensorflow/nvidia-smi.ts';
import { managedVariable } from '../launch/local-workers.ts';
import { processorSeconds, systemClock } from '../shared/core/clock.ts';
import { describeListening } from '../shared/core/server-url.ts';
import { systemTimers } from '../shared/core/timers.ts';
import { pennygradVersion } from '../shared/core/version.ts';
import { loadDataset } from '../shared/data/load-dataset.ts';
import { serveOwnMetrics } from '../worker/metrics/own-endpoint.ts';
import { createOwnMetrics } from '../worker/metrics/own-metrics.ts';
import { sleepPrecisely } from '../worker/precise-sleep.ts';
import { runWorker } from '../worker/run-worker.ts';
import { dutySetting, resolveSettings, trainSettings, workerMetricsSetting, yargsOptions } from './settings.ts';
import { gpuSetting, pricesSetting, priceWorker, today } from './worker-price.ts';

/** A worker takes its task from the coordinator; what it is told here it insists on. */
const { backend, threads, dataDir, cacheDir, mirrors, timeout, price } = trainSettings;
const workerSettings = {
  connect: {
    type: 'string',
    describe: "The coordinator's address, tcp://HOST:PORT",
    schema: z.string({ error: 'the address of a coordinator, tcp://HOST:PORT' }).regex(/^(tcp|ipc):\/\/.+/, {
      error: 'tcp://HOST:PORT',
    }),
  },
  id: {
    type: 'string',
    describe: 'Name of this worker, unique in the run; ranks follow the names',
    defaultText: 'HOST-PID',
    schema: z.string().min(1).max(200).optional(),
  },
  backend,
  threads: {
    ...threads,
    describe: 'Cores to compute on, with backend wasm or tensorflow',
    defaultText: '1; tensorflow: all',
  },
  dataset: {
    ...trainSettings.dataset,
    describe: 'Where this host has the dataset, if not where the coordinator has it; it must be the same data',
    defaultText: "the coordinator's",
  },
  dataDir,
  cacheDir,
  mirrors,
  model: {
    ...trainSettings.model,
    defaultText: "the coordinator's",
    describe: 'Refuse to train any other model',
    schema: trainSettings.model.schema.unwrap().optional(),
  },
  seed: {
    ...trainSettings.seed,
    defaultText: "the coordinator's",
    describe: 'Refuse to train with any other seed',
    schema: trainSettings.seed.schema.unwrap().optional(),
  },
  timeout: { ...timeout, describe: 'Seconds of silence after which the coordinator is given up' },
  workerMetrics: workerMetricsSetting,
  metricsHost: trainSettings.metricsHost,
  price: { ...price, describe: "What this worker costs, in USD per hour (else the coordinator's --price)" },
  duty: dutySetting,
  gpu: gpuSetting,
  prices: pricesSetting,
} as const;

export function addWorkerCommand(cli: Argv): Argv {
  return cli.command(
    'worker',
    'Join a coordinator, on this host or another, and compute',
    (command) =>
      command
        .options(yargsOptions(workerSettings))
        .example('$0 worker --connect tcp://10.0.0.1:5555', 'join the coordinator on another host')
        .example('$0 worker --connect tcp://10.0.0.1:5555 --gpu t4 --price 0.35', 'a card with a price of its own')
        .example('$0 worker --connect tcp://10.0.0.1:5555 --gpu gcp/t4/spot', 'at the price that the table has'),
    async (argv) => {
      const settings = resolveSettings(workerSettings, argv, process.env, undefined);
      const workerId = settings.id ?? `${hostname()}-${process.pid}`;
      const own = await openOwnMetrics(workerId, settings);
      try {
        await runWorker(
          {
            connect: settings.connect,
            workerId,
            version: pennygradVersion,
            cpu: `${process.arch}, ${cpus()[0]?.model.trim() || 'unknown model'}`,
            timeoutSeconds: settings.timeout,
            ...priceWorker(settings, settings.prices, today()),
            ...(settings.duty === undefined ? {} : { emulatedSpeed: settings.duty }),
            expected: {
              ...(settings.model === undefined ? {} : { model: settings.model }),
              ...(settings.seed === undefined ? {} : { seed: settings.seed }),
            },
            signal: endWithParentOrUser(),
          },
          {
            clock: systemClock,
            timers: systemTimers,
            sleep: sleepPrecisely,
            processorSeconds,
            uptime: () => process.uptime(),
            loadDataset: (name) =>
              loadDataset(settings.dataset ?? name, { ...settings, onWarning: (line) => console.error(line) }),
            readGpu: async (card) => (await listGpus(runProgram, card))[0],
            selectEngine: () => selectEngine(settings.backend, enginesWith(settings.threads)),
            log: (line) => console.log(line),
            ...(own && { observer: own.observer }),
          },
        );
      } finally {
        // A scraper that keeps its connection would keep this process.
        await own?.endpoint.close();
      }
    },
  );
}

interface MetricsPlace {
  readonly workerMetrics: number | undefined;
  readonly metricsHost: string;
}

async function openOwnMetrics(workerId: string, { workerMetrics: port, metricsHost: host }: MetricsPlace) {
  if (port === undefined) return undefined;
  const observer = createOwnMetrics(workerId, () => process.memoryUsage());
  const endpoint = await serveOwnMetrics({ port, host }, observer);
  console.log(`metrics of this worker at ${endpoint.url}${describeListening(host)}`);
  return { observer, endpoint };
}

/** Ctrl-C, unless a parent manages this process: then the parent decides, and its death ends this process. */
function endWithParentOrUser(): AbortSignal {
  const controller = new AbortController();
  if (process.env[managedVariable] === undefined) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  } else {
    // A terminal or an init system may signal the whole family.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
    process.on('disconnect', () => process.exit(0));
    if (!process.connected) process.exit(0);
    // The channel alone must not keep a worker alive that is done.
    process.channel?.unref();
  }
  return controller.signal;
}
