import { cpus, hostname } from 'node:os';
import type { Argv } from 'yargs';
import { enginesWith, selectEngine } from '../engine/engines.ts';
import { runProgram } from '../engine/run-program.ts';
import { listGpus } from '../engine/tensorflow/nvidia-smi.ts';
import { managedVariable } from '../launch/local-workers.ts';
import { resolveSettings } from '../settings/resolve-settings.ts';
import { type WorkerConfig, workerSettings } from '../settings/worker-settings.ts';
import { processorSeconds, systemClock } from '../shared/core/clock.ts';
import { describeListening } from '../shared/core/server-url.ts';
import { systemTimers } from '../shared/core/timers.ts';
import { pennygradVersion } from '../shared/core/version.ts';
import { loadDataset } from '../shared/data/load-dataset.ts';
import { serveOwnMetrics } from '../worker/metrics/own-endpoint.ts';
import { createOwnMetrics } from '../worker/metrics/own-metrics.ts';
import { sleepPrecisely } from '../worker/precise-sleep.ts';
import { runWorker } from '../worker/run-worker.ts';
import { yargsOptions } from './setting-flags.ts';
import { priceWorker, today } from './worker-price.ts';

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

async function openOwnMetrics(workerId: string, { workerMetrics: port, metricsHost: host }: WorkerConfig) {
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
