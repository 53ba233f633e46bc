/** Adds up a run's events into the record that its summary is made from. */

import type { Budget } from '../../economics/ledger/budget.ts';
import { billedUsd, bookedUsd, newAccount } from '../../economics/ledger/ledger.ts';
import { addStep, beginEpoch, type EpochTotals } from '../../economics/record/epoch-totals.ts';
import type { Fleet } from '../../economics/record/fleet-change.ts';
import type { Interruption, InterruptionReason } from '../../economics/record/interruption.ts';
import type {
  DepartedWorker,
  EpochRecord,
  Milestone,
  RunRecord,
  RunStatus,
  WorkerRecord,
} from '../../economics/record/run-record.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { DatasetInfo } from '../../shared/data/dataset.ts';
import type { LedgerEntry, MemberInfo, RunEvent } from '../run-events.ts';

export interface RunRecorder {
  observe(event: RunEvent): void;
  /** What is known so far. */
  record(ending: {
    readonly status: RunStatus;
    readonly reason?: string;
    readonly replicas?: RunRecord['replicas'] | undefined;
  }): RunRecord;
}

export interface RecordedConfig {
  readonly runId: string;
  readonly version: string;
  /** When this process began. */
  readonly startedAtUnixMs: number;
  readonly dataset: DatasetInfo;
  readonly modelName: string;
  readonly globalBatchSize: number;
  readonly localSteps: number;
  readonly seed: number;
  readonly deterministic?: boolean | undefined;
  readonly compression?: string | undefined;
  readonly budget?: Budget;
}

/** What the run had recorded up to the step it is resumed from. */
export interface CarriedRecord {
  readonly startedAtUnixMs: number;
  readonly steps: number;
  readonly skippedSteps: number;
  readonly samples: number;
  readonly trainSeconds: number;
  readonly epochs: readonly EpochRecord[];
  readonly milestones: readonly Milestone[];
  /** The epoch that was begun and not tested. */
  readonly openEpoch: EpochTotals | undefined;
  /** The fleets of earlier sittings. */
  readonly fleets: readonly Fleet[];
  readonly interruptions: readonly Interruption[];
  /** What was lost of the run's files, in words. */
  readonly gaps: readonly string[];
}

export const nothingRecorded: Omit<CarriedRecord, 'startedAtUnixMs'> = {
  steps: 0,
  skippedSteps: 0,
  samples: 0,
  trainSeconds: 0,
  epochs: [],
  milestones: [],
  openEpoch: undefined,
  fleets: [],
  interruptions: [],
  gaps: [],
};

const cpuIntervalSeconds = 0.2;

/** @param cpuSeconds CPU time that this process has used so far, of all its threads */
export function createRunRecorder(
  config: RecordedConfig,
  clock: Clock,
  cpuSeconds: () => number,
  before: CarriedRecord,
): RunRecorder {
  let members: readonly MemberInfo[] = [];
  let entries: readonly LedgerEntry[] = [];
  let parameters = 0;
  let { steps, skippedSteps, samples, trainSeconds, openEpoch } = before;
  let [coordinatorCpuSeconds, cpuBefore, cpuReadAt] = [0, 0, 0];
  let secondsToFirstStep: number | undefined;
  const epochs = [...before.epochs];
  const milestones = [...before.milestones];
  const fleets = [...before.fleets];
  const interruptions = [...before.interruptions];
  /** Why workers are no longer in the run. */
  const gone = new Map<string, InterruptionReason>();
  /** What the last checkpoint has. */
  let saved = saveable();

  function restartCpu(): void {
    [cpuBefore, cpuReadAt] = [cpuSeconds(), clock.now()];
  }

  /** Asking costs more than anything else that is done of a step here. */
  function countCpu(): void {
    if (clock.now() - cpuReadAt < cpuIntervalSeconds) return;
    const before = cpuBefore;
    restartCpu();
    coordinatorCpuSeconds += cpuBefore - before;
  }

  function saveable() {
    const lengths = { epochs: epochs.length, milestones: milestones.length };
    return { steps, skippedSteps, samples, trainSeconds, openEpoch, ...lengths };
  }

  function workerRecord(member: MemberInfo): WorkerRecord {
    return { ...member, ...bookedOf(member.workerId) };
  }

  /** What the ledger has of a worker, and whether it is still in the run. */
  function bookedOf(id: string) {
    const { account = newAccount, samples: trained = 0 } = entries.find(({ workerId }) => workerId === id) ?? {};
    const { seconds, usd, rentals } = account;
    return { samples: trained, left: gone.get(id), booked: { seconds, usd, billedUsd: billedUsd(account), rentals } };
  }

  /** Members of earlier generations, and of earlier sittings, as they were last. */
  function departedWorkers(): readonly DepartedWorker[] {
    const known = new Map(fleets.flatMap((fleet) => fleet.members.map((one) => [one.workerId, one] as const)));
    for (const { workerId } of members) known.delete(workerId);
    return [...known.values()].map((one) => ({
      workerId: one.workerId,
      backend: one.backend,
      device: one.device,
      gpu: one.gpu,
      emulatedSpeed: one.emulatedSpeed,
      priceUsdPerHour: one.priceUsdPerHour,
      priceAssumed: one.priceAssumed,
      ...bookedOf(one.workerId),
    }));
  }

  return {
    observe(event) {
      switch (event.type) {
        case 'generation':
          members = event.members;
          parameters = event.parameterCount;
          fleets.push({ step: steps, members });
          for (const { workerId } of members) gone.delete(workerId);
          break;
        case 'worker-lost':
          gone.set(event.workerId, event.cause);
          break;
        case 'worker-drained':
          gone.set(event.workerId, event.dropped === true ? 'dropped' : 'drained');
          break;
        case 'interruption':
          interruptions.push(event.interruption);
          if (gone.has(event.interruption.workerId)) gone.set(event.interruption.workerId, event.interruption.reason);
          break;
        case 'epoch-begun':
          restartCpu();
          break;
        case 'checkpoint':
          restartCpu();
          saved = saveable();
          break;
        case 'rolled-back':
          ({ steps, skippedSteps, samples, trainSeconds, openEpoch } = saved);
          epochs.length = saved.epochs;
          milestones.length = saved.milestones;
          break;
        case 'went-on': {
          const { record } = event;
          ({ step: steps, skippedSteps, samples, trainSeconds, openEpoch } = record);
          epochs.splice(0, epochs.length, ...record.epochs);
          milestones.splice(0, milestones.length, ...record.milestones);
          // It began before it was known from where.
          const last = fleets.pop();
          if (last !== undefined) fleets.push({ step: steps, members: last.members });
          break;
        }
        case 'step': {
          steps += 1;
          if (event.skipped !== undefined) skippedSteps += 1;
          secondsToFirstStep ??= (clock.unixMs() - config.startedAtUnixMs) / 1000;
          countCpu();
          samples += event.samples;
          trainSeconds += event.seconds;
          openEpoch = addStep(openEpoch ?? beginEpoch(event.epoch), event);
          break;
        }
        case 'epoch':
          epochs.push(event);
          openEpoch = undefined;
          break;
        case 'ledger':
          entries = event.entries;
          if (event.cause === 'epoch' && event.epoch !== undefined) {
            milestones.push({ epoch: event.epoch, runSeconds: event.runSeconds, costUsd: event.costUsd });
          }
          break;
      }
    },
    record({ status, reason, replicas }) {
      const former = entries.filter(({ workerId }) => !members.some((member) => member.workerId === workerId));
      return {
        ...config,
        startedAtUnixMs: before.startedAtUnixMs,
        status,
        reason,
        replicas,
        steps,
        skippedSteps,
        samples,
        trainSeconds,
        milestones,
        secondsToFirstStep,
        coordinatorCpuSeconds,
        trainSecondsBefore: before.trainSeconds,
        model: { name: config.modelName, parameters },
        epochs: [...epochs],
        openEpoch,
        workers: members.map(workerRecord),
        departedWorkers: departedWorkers(),
        fleets: [...fleets],
        interruptions: [...interruptions],
        gaps: before.gaps,
        formerWorkers: {
          costUsd: former.reduce((sum, { account }) => sum + bookedUsd(account), 0),
          billedUsd: former.reduce((sum, { account }) => sum + billedUsd(account), 0),
          rentals: former.reduce((sum, { account }) => sum + account.rentals, 0),
        },
      };
    },
  };
}
