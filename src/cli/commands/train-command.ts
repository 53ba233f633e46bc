import type { ControlPlane } from '../../coordinator/control-plane.ts';
import type { ExpectedWorker } from '../../coordinator/run-options.ts';
import { leastBilledUsd } from '../../economics/ledger/cost.ts';
import { billingOf } from '../../economics/prices/billing-rules.ts';
import { loadPrices, type PriceRow } from '../../economics/prices/price-table.ts';
import { runProgram } from '../../engine/run-program.ts';
import { usableCores } from '../../engine/usable-cores.ts';
import { isStartedAgain } from '../../launch/decide-restart.ts';
import { localEnvironment } from '../../launch/local-environment.ts';
import { type LocalWorkers, launchLocalWorkers, type WorkerExit } from '../../launch/local-workers.ts';
import type { PreemptionPlan } from '../../launch/preemptions.ts';
import type { FleetSize } from '../../settings/fleet-size.ts';
import { argumentsOf } from '../../settings/resolve-settings.ts';
import { bySubject } from '../../settings/run-settings.ts';
import { planPreemptions } from '../../settings/simulated-preemptions.ts';
import { localWorkerSettings, type TrainSettings, trainSettings } from '../../settings/train-settings.ts';
import { type PlannedWorker, planWorkers } from '../../settings/worker-entries.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { deadlinesFrom } from '../../shared/core/deadlines.ts';
import { badInput, type ErrorCode, exitCodes } from '../../shared/core/errors.ts';
import { formatCount } from '../../shared/core/number-format.ts';
import { systemTimers } from '../../shared/core/timers.ts';
import type { Command } from '../command.ts';
import { configOption } from '../config-layers.ts';
import { runInterruptibly } from '../interruption.ts';
import { type ResumedRun, resolveRunSettings } from '../resumed-run.ts';
import { createRunOutput, type RunOutput } from '../run-output.ts';
import { startRun } from '../start-run.ts';
import { priceWorker, today, unreachableBudget } from '../worker-price.ts';

/** A worker's last message may arrive after the news of its exit. */
const lastWordsMs = 500;

export const trainCommand: Command = {
  settings: trainSettings,
  examples: [
    ['$0 train', 'MNIST on two workers'],
    ['$0 train --workers 4 --price 0.35', 'four workers at $0.35 an hour each'],
    ['$0 train --workers 2:4', 'four workers; the run goes on with two or three'],
    ['$0 train --lr 0.01 --skip-nonfinite', 'a step with a NaN or Infinity is skipped, and counted'],
    ['$0 train --workers 2:4 --simulate-preemptions rate=6/h', 'what spot capacity would come to'],
    ['$0 train --compress int8', 'gradients a quarter as long, for slow links between workers'],
    ['$0 train --price none', 'no costs'],
    ['$0 train --worker backend=wasm,count=2 --worker backend=cpu,price=0.01', 'workers that differ'],
    ['$0 train --local-steps 16', 'workers exchange after every 16 updates, for slow links'],
    ['$0 train --workers 1 --threads 4', 'one worker on four cores'],
    ['$0 train --worker gpu=gcp/t4/spot,count=2', 'at the price in the table'],
    ['$0 train --dataset fashion-mnist --epochs 10 --lr 0.0005', 'another dataset, longer and slower'],
    ['$0 train --data-dir ./mnist --json > run.jsonl', 'IDX files of your own, events as JSON'],
    ['$0 train --price 1.20 --budget-usd 5', 'stop, resumably, after $5'],
    ['$0 train --worker gpu=gcp/t4/spot --budget-usd 1 --budget-basis billed', 'stop before the bill passes $1'],
    [
      '$0 train --metrics-port 0 --prometheus-targets /etc/prometheus/targets',
      'a run beside others, found by a Prometheus',
    ],
    ['$0 train --otlp http://localhost:4318', 'metrics to an OpenTelemetry Collector'],
    ['$0 train --resume runs/RUN-ID', 'resume a run that ended early'],
    ['$0 train --resume runs/RUN-ID --budget-usd none', 'resume without the budget that it had'],
    ['$0 train --config run.yaml --seed 2', 'settings from a file, one of them changed'],
  ],
  options: (command) => command.options(configOption),
  async run(argv) {
    const { settings, resumed } = resolveRunSettings(trainSettings, argv);
    const planned = planWorkers(settings.worker, settings);
    // Each worker looks up its own price; a label without a price is refused before any worker starts.
    const priced = planned.map(({ id, gpu, price, threads }) => {
      const own = priceWorker({ gpu, price }, settings.prices, today());
      return {
        workerId: id,
        price: own.priceUsdPerHour ?? settings.price,
        units: own.pricePer === 'vcpu' ? (threads ?? 1) : 1,
        billing: billingOf(gpu),
      };
    });
    // A worker without a price gets an assumed one once it is known what it computes on.
    const expected = priced.map(({ workerId, price, units, billing }) => ({
      workerId,
      hasPrice: price !== 'none',
      leastBilledUsd: typeof price === 'number' ? leastBilledUsd(price * units, billing) : undefined,
    }));
    if (settings.budgetUsd !== undefined && priced.every(({ price }) => price === 'none' || price === 0)) {
      throw badInput(`${unreachableBudget(settings.budgetUsd)}; give one with --price, or --worker gpu=gcp/t4/spot`);
    }
    const workers = settings.workers ?? { min: planned.length, max: planned.length };
    const preemptions = planPreemptions(settings.simulatePreemptions);
    requireReturnInTime(preemptions, workers, settings.timeout);
    process.exitCode = await trainLocally({
      settings: { ...settings, workers },
      preemptions,
      planned: planned.map((worker, index) => ({
        ...worker,
        workerMetrics: portAfter(settings.workerMetrics, index),
      })),
      expected,
      resumed,
      verbose: argv.verbose === true,
      // Read before anything starts, so that an error in the user's own table is found now.
      prices: loadPrices(settings.prices),
    });
  },
};

/** A run that needs all its workers would end at the first preemption. */
function requireReturnInTime(preemptions: PreemptionPlan | undefined, { min, max }: FleetSize, timeout: number): void {
  const { rendezvousMs } = deadlinesFrom(timeout);
  if (preemptions === undefined || min < max || preemptions.backSeconds * 1000 < rendezvousMs) return;
  throw badInput(
    `--simulate-preemptions: workers are back after ${preemptions.backSeconds} s, and a run that needs all ${max} waits ` +
      `${rendezvousMs / 1000} s for them (--timeout ${timeout}); use --workers MIN:${max}, a longer --timeout or a shorter back`,
  );
}

interface LocalWorker extends PlannedWorker {
  /** Port of its own metrics, which it serves only if there is one. */
  readonly workerMetrics: number | undefined;
}

/** Port 0, which means any free port, is passed on as it is. */
function portAfter(first: number | undefined, index: number): number | undefined {
  if (first === undefined || first === 0) return first;
  if (first + index > 65_535) {
    throw badInput(
      `--worker-metrics ${first}: worker ${index + 1} would have port ${first + index}; the last is 65535`,
    );
  }
  return first + index;
}

interface LocalTraining {
  readonly settings: TrainSettings;
  readonly planned: readonly LocalWorker[];
  readonly expected: readonly ExpectedWorker[];
  readonly preemptions: PreemptionPlan | undefined;
  readonly resumed: ResumedRun | undefined;
  readonly verbose: boolean;
  readonly prices: readonly PriceRow[];
}

/** @returns the exit code */
function trainLocally(training: LocalTraining): Promise<number> {
  const { settings, planned, expected, preemptions, resumed, verbose, prices } = training;
  const printed = createRunOutput(bySubject(settings), { verbose, prices });
  let workers: LocalWorkers | undefined;
  let workersLeave = false;
  const { exitMs } = deadlinesFrom(settings.timeout);
  const output: RunOutput = {
    ...printed,
    observe(event) {
      printed.observe(event);
      if (event.type === 'worker-lost') workers?.replace(event.workerId, exitMs);
    },
  };
  const stopWorkers = async () => {
    workersLeave = true;
    await workers?.stop(exitMs);
  };
  const interruption = { note: output.note, secondDoes: 'kills at once', kill: () => workers?.kill() };
  return runInterruptibly(interruption, async (run) => {
    const environment = await localEnvironment(
      planned.map(({ backend }) => backend),
      runProgram,
    );
    try {
      await startRun({
        ...run,
        settings,
        resumed,
        output,
        expected,
        bind: 'tcp://127.0.0.1:*',
        prices,
        workersLeft: stopWorkers,
        onListening(coordinator, dataset) {
          const crowding = describeCrowding(planned, usableCores());
          if (crowding !== undefined) output.warn(crowding);
          workers = launchLocalWorkers({
            workers: planned.map((worker) => ({
              id: worker.id,
              args: argumentsOf(localWorkerSettings, {
                ...settings,
                ...worker,
                connect: coordinator.endpoint,
                dataset: dataset.name,
              }),
            })),
            environment,
            rules: { restarts: settings.restarts, lossEndsRun: settings.onLoss === 'fail' },
            preemptions: preemptions && {
              plan: preemptions,
              onNotice: (id) => coordinator.workerPreempted(id, preemptions.noticeSeconds),
            },
            signal: run.signal,
            clock: systemClock,
            timers: systemTimers,
            onLine: output.workerLine,
            onGone: coordinator.workerEnded,
            onExit: tellOfExits(coordinator, output, () => workersLeave),
          });
        },
      });
    } finally {
      await stopWorkers();
    }
  });
}

/** @param hasEnded the run that failed told its workers to leave, and what they exit with then is no news */
function tellOfExits(
  coordinator: Pick<ControlPlane, 'workerGone'>,
  output: RunOutput,
  hasEnded: () => boolean,
): (workerId: string, exit: WorkerExit) => void {
  return (workerId, exit) => {
    const { reason, code, restart } = exit;
    const tell = () => {
      if (hasEnded()) return;
      const line = describeExit(workerId, exit);
      if (line !== undefined) output.warn(line);
      coordinator.workerGone(workerId, {
        cause: code === null ? 'killed' : 'exited',
        reason,
        code: code === null ? undefined : errorCodeOf(code),
        returns: isStartedAgain(restart),
      });
    };
    if (code === null) return tell();
    // The next life must not say hello before the coordinator knows of the end of this one.
    const patienceMs = isStartedAgain(restart) ? Math.min(lastWordsMs, restart.delayMs) : lastWordsMs;
    systemTimers.after(patienceMs, tell);
  };
}

/** For people; undefined where the run ends with the worker, and says why, the worker left in order, or a notice was told. */
function describeExit(workerId: string, { reason, code, restart }: WorkerExit): string | undefined {
  const ended = `${workerId} ${code === null ? 'was ' : ''}${reason}`;
  if (restart.kind === 'leave' || restart.kind === 'return') return undefined;
  if (restart.kind === 'exhausted') return `${ended}; not started again: ${restart.reason}`;
  const left = `${formatCount(restart.left)} restart${restart.left === 1 ? '' : 's'} left`;
  return `${ended}; started again in ${restart.delayMs / 1000} s (${left})`;
}

/** The error that this process would exit with for the same reason. */
function errorCodeOf(exitCode: number): ErrorCode {
  return exitCode === exitCodes.usage ? 'bad-input' : exitCode === exitCodes.runFailed ? 'run-failed' : 'quorum-lost';
}

/** Warns when there are more threads than cores. */
function describeCrowding(planned: readonly PlannedWorker[], cores: number): string | undefined {
  const threads = planned.reduce((sum, worker) => sum + (worker.threads ?? 1), 0);
  if (threads <= cores) return undefined;
  const wanted = threads === planned.length ? '' : ` of ${threads} threads`;
  return `${planned.length} workers${wanted} share ${Number(cores.toFixed(2))} cores: each will be slower`;
}
