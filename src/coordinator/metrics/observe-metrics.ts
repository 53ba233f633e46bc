import type { Clock } from '../../shared/core/clock.ts';
import { accruedCostUsd, aliveSeconds } from '../../shared/core/cost.ts';
import { addPhases, noPhaseSeconds, type PhaseSeconds } from '../../shared/core/phases.ts';
import type { DatasetInfo } from '../../shared/data/dataset.ts';
import type { ModelSpec, OptimizerSpec } from '../../shared/model/model-spec.ts';
import type { MemberInfo, RunObserver, StepEvent } from '../run-events.ts';
import { costByCategory, costCategories } from './cost-categories.ts';
import type { Metrics } from './metrics.ts';

/** What the metrics say of the run itself. */
export interface ObservedRun {
  readonly runId: string;
  readonly version: string;
  readonly dataset: Pick<DatasetInfo, 'name'>;
  readonly model: Pick<ModelSpec, 'name'>;
  readonly optimizer: Pick<OptimizerSpec, 'name'>;
  readonly globalBatchSize: number;
  readonly seed: number;
}

/** A member, and where its time went since training began. */
interface Account {
  readonly member: MemberInfo;
  readonly startupSeconds: number;
  phases: PhaseSeconds;
  evaluateSeconds: number;
}

/** Turns a run's events into its metrics. Costs are booked at every commit, so they are current to two steps. */
export function observeMetrics(metrics: Metrics, run: ObservedRun, clock: Clock): RunObserver {
  let accounts: readonly Account[] = [];
  let lastCommitUnixMs = clock.unixMs();
  metrics.health.update({ run_id: run.runId });
  metrics.runInfo({
    ...{ run_id: run.runId, version: run.version, dataset: run.dataset.name, model: run.model.name },
    ...{ optimizer: run.optimizer.name, global_batch_size: String(run.globalBatchSize), seed: String(run.seed) },
  });

  const alive = ({ aliveSinceUnixMs }: MemberInfo, unixMs: number) => aliveSeconds(aliveSinceUnixMs, unixMs);
  const fleetPrice = () => accounts.reduce((sum, { member }) => sum + (member.priceUsdPerHour ?? 0), 0);

  /** @param settledUnixMs up to when workers have said all that their time went to: what is left then is `other` */
  function bookCosts(settledUnixMs = clock.unixMs()): void {
    for (const { member, ...time } of accounts) {
      const { workerId, priceUsdPerHour } = member;
      if (priceUsdPerHour === undefined) continue;
      const costs = costByCategory({ ...time, priceUsdPerHour, aliveSeconds: alive(member, settledUnixMs) });
      for (const category of costCategories) metrics.costReached(workerId, category, costs[category]);
    }
  }

  function observeStep({ step, samples, loss, correct, seconds, members }: StepEvent): void {
    const readings = members.flatMap(({ rank, samples: share, phases }) => {
      const account = accounts[rank];
      if (account === undefined) return [];
      account.phases = addPhases(account.phases, phases);
      return { workerId: account.member.workerId, share, phases };
    });
    metrics.stepCommitted({ samples, seconds, members: readings });
    metrics.scalingStep(
      seconds,
      readings.map(({ phases }) => phases),
    );
    metrics.learned('train', loss, correct / samples);
    metrics.waited(readings.map(({ workerId, phases }) => ({ workerId, waitSeconds: phases.wait })));
    for (const { workerId, share } of readings) metrics.workerShare(workerId, share / samples);
    metrics.costOfSamples(fleetPrice(), metrics.samplesPerSecond());
    metrics.health.update({ step: step + 1 });
    // A vote says where the time before the last commit went; of what came after, a part is still to be told.
    bookCosts(lastCommitUnixMs);
    lastCommitUnixMs = clock.unixMs();
  }

  return (event) => {
    switch (event.type) {
      case 'generation':
        accounts = event.members.map((member) => ({
          ...{ member, startupSeconds: alive(member, clock.unixMs()) },
          ...{ phases: noPhaseSeconds, evaluateSeconds: 0 },
        }));
        metrics.workersUp(event.members);
        metrics.gradientBytes(event.parameterCount * Float32Array.BYTES_PER_ELEMENT);
        for (const { workerId, backend, device, gpu, priceUsdPerHour } of event.members) {
          metrics.workerEngine(workerId, backend, device, gpu);
          if (priceUsdPerHour !== undefined) metrics.workerPrice(workerId, priceUsdPerHour);
        }
        metrics.health.update({ status: 'training', world_size: event.members.length });
        bookCosts();
        break;
      case 'worker-lost':
        metrics.workerDown(event.workerId);
        break;
      case 'worker-heard':
        metrics.heartbeat(event.workerId, event.unixMs / 1000);
        if (event.gpu !== undefined) metrics.gpuRead(event.workerId, event.gpu);
        break;
      case 'frame-rejected':
        metrics.frameRejected(event.reason);
        break;
      case 'bytes':
        metrics.allReduceBytes(event.direction, event.bytes);
        break;
      case 'epoch-begun':
        metrics.epochBegun(event.epoch);
        metrics.scalingBegun();
        metrics.health.update({ epoch: event.epoch + 1 });
        break;
      case 'step':
        observeStep(event);
        break;
      case 'epoch':
        for (const account of accounts) account.evaluateSeconds += event.evaluateSeconds;
        metrics.learned('test', event.testLoss, event.testAccuracy);
        metrics.epochFinished(event.seconds);
        metrics.epochCost(accruedCostUsd(fleetPrice(), event.seconds));
        bookCosts(lastCommitUnixMs);
        break;
      case 'ended':
        // A worker that finds such a loss leaves at once, before it could report it.
        if (event.code === 'diverged') metrics.learned('train', Number.NaN, Number.NaN);
        metrics.runEnded(event.status);
        metrics.health.update({ status: 'ended' });
        bookCosts();
        break;
    }
  };
}
