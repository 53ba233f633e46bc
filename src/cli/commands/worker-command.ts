import { cpus, hostname } from 'node:os';
import { runProgram } from '../../engine/run-program.ts';
import { listGpus } from '../../engine/tensorflow/nvidia-smi.ts';
import { managedVariable } from '../../launch/managed-variable.ts';
import { argumentsOf, resolveSettings } from '../../settings/resolve-settings.ts';
import { type WorkerConfig, workerSettings } from '../../settings/worker-settings.ts';
import { processorSeconds, systemClock } from '../../shared/core/clock.ts';
import { deadlinesFrom } from '../../shared/core/deadlines.ts';
import { tcpEndpoint } from '../../shared/core/endpoint.ts';
import { badInput, exitCodes } from '../../shared/core/errors.ts';
import { describeListening } from '../../shared/core/server-url.ts';
import { systemTimers } from '../../shared/core/timers.ts';
import { pennygradVersion } from '../../shared/core/version.ts';
import { loadDataset } from '../../shared/data/load-dataset.ts';
import { ipFamilyOf } from '../../shared/transport/ip-family.ts';
import { localAddressTowards } from '../../shared/transport/local-address.ts';
import { shareVectors } from '../../shared/transport/share-vectors.ts';
import { vectorsInMemory } from '../../shared/transport/vectors-in-memory.ts';
import { createVectorsOnNetwork, type Reached } from '../../shared/transport/vectors-on-network.ts';
import { sleepPrecisely } from '../../worker/precise-sleep.ts';
import { runWorker } from '../../worker/run-worker.ts';
import type { Command } from '../command.ts';
import { listenForInterruption } from '../interruption.ts';
import { selectWorkerEngine } from '../worker-engine.ts';
import type { WorkerPrice } from '../worker-price.ts';

export const workerCommand: Command = {
  settings: workerSettings,
  examples: [
    ['$0 worker --connect tcp://10.0.0.1:5555', 'join the coordinator on another host'],
    ['$0 worker --connect tcp://203.0.113.5:5555 --advertise 198.51.100.7', 'behind an address that it does not know'],
    ['$0 worker --connect tcp://10.0.0.1:5555 --peer-port 5556', 'the port that a firewall lets other workers reach'],
    ['$0 worker --connect tcp://10.0.0.1:5555 --gpu t4 --price 0.35', 'a card with its own price'],
    ['$0 worker --connect tcp://10.0.0.1:5555 --gpu gcp/t4/spot', 'at the price in the table'],
  ],
  async run(argv) {
    const settings = resolveSettings(workerSettings, argv, process.env, undefined);
    const { advertise, peerPort } = workerSettings;
    const managed = process.env[managedVariable] !== undefined;
    const { signal, drain } = managed ? endWithParent() : leaveInOrder();
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
          ...(await ownPrice(settings)),
          ...(settings.duty === undefined ? {} : { emulatedSpeed: settings.duty }),
          expected: {
            ...(settings.model === undefined ? {} : { model: settings.model }),
            ...(settings.seed === undefined ? {} : { seed: settings.seed }),
          },
          reachedBy: argumentsOf({ advertise, peerPort }, settings).join(' ') || undefined,
          managed,
          signal,
          drain,
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
          selectEngine: (needs) => selectWorkerEngine(settings, needs, (line) => console.log(line)),
          sharing: shareVectors({
            memory: vectorsInMemory,
            network: createVectorsOnNetwork({ findReached: () => findReached(settings), timers: systemTimers }),
          }),
          ipFamilyOf,
          log: (line) => console.log(line),
          ...(own && { observer: own.observer }),
        },
      );
    } catch (error) {
      // Whatever still keeps this process alive, a card that hangs say, does not do so for long.
      setTimeout(() => process.exit(), deadlinesFrom(settings.timeout).exitMs).unref();
      throw error;
    } finally {
      // Otherwise a scraper that keeps its connection open would keep this process alive.
      await own?.endpoint.close();
    }
  },
};

/** Only workers with a label load the price table and its parsers. */
async function ownPrice({ gpu, price, prices }: WorkerConfig): Promise<WorkerPrice> {
  if (gpu === undefined) return price === undefined ? {} : { priceUsdPerHour: price };
  const { priceWorker, today } = await import('../worker-price.ts');
  return priceWorker({ gpu, price }, prices, today());
}

/** Metrics are loaded and served only where a port is given. */
async function openOwnMetrics(workerId: string, { workerMetrics: port, metricsHost: host }: WorkerConfig) {
  if (port === undefined) return undefined;
  const [{ createOwnMetrics }, { serveOwnMetrics }] = await Promise.all([
    import('../../worker/metrics/own-metrics.ts'),
    import('../../worker/metrics/own-endpoint.ts'),
  ]);
  const observer = createOwnMetrics(workerId, () => process.memoryUsage());
  const endpoint = await serveOwnMetrics({ port, host }, observer);
  console.log(`metrics of this worker at ${endpoint.url}${describeListening(host)}`);
  return { observer, endpoint };
}

/** What ends a worker from outside. */
interface Orders {
  /** Leave now. */
  readonly signal: AbortSignal;
  /** Leave after the step in flight. */
  readonly drain: AbortSignal;
}

/**
 * Ctrl-C tells the run and leaves; SIGTERM and SIGUSR1, which announce the end of a spot machine, drain. A second signal does
 * not wait for either.
 */
function leaveInOrder(): Orders {
  const { signal } = listenForInterruption(
    () => {},
    () => process.exit(exitCodes.interrupted),
    ['SIGINT'],
  );
  return { signal, drain: drainOn(['SIGTERM', 'SIGUSR1']) };
}

function drainOn(signals: readonly NodeJS.Signals[]): AbortSignal {
  const draining = new AbortController();
  for (const signal of signals) {
    process.on(signal, () => {
      if (draining.signal.aborted) process.exit(exitCodes.interrupted);
      draining.abort(new Error(`it got ${signal}`));
    });
  }
  return draining.signal;
}

/** The parent decides, and its death ends this process. */
function endWithParent(): Orders {
  // A terminal or an init system may signal parent and children alike.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(0));
  if (!process.connected) process.exit(0);
  // The channel must not keep a finished worker alive.
  process.channel?.unref();
  return { signal: new AbortController().signal, drain: drainOn(['SIGUSR1']) };
}

/**
 * By the address with which it reaches the coordinator, unless it is told by which names others reach it. A worker that connects
 * to its own host by a loopback address is reached by nobody else.
 */
async function findReached({ connect, advertise, peerPort: port }: WorkerConfig): Promise<Reached | undefined> {
  if (advertise === undefined) {
    const address = await localAddressTowards(connect, await ipFamilyOf(connect));
    if (address !== undefined) return { host: address, advertised: [address], port };
    if (port === undefined) return undefined;
    throw badInput(
      `--peer-port ${port}: this worker reaches the coordinator at a loopback address, and listens for no other worker; ` +
        'connect to an address of its host, or name one with --advertise',
    );
  }
  // A name may mean something to others only.
  const familyOf = (host: string) => ipFamilyOf(tcpEndpoint(host, 1)).catch(() => 4 as const);
  const families = await Promise.all(advertise.map(familyOf));
  return { host: families.includes(6) ? '::' : '*', advertised: advertise, port };
}
