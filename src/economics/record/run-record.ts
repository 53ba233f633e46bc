import type { DatasetInfo } from '../../shared/data/dataset.ts';
import type { Budget } from '../ledger/budget.ts';
import type { ByCategory } from '../ledger/ledger.ts';
import type { EpochTotals } from './epoch-totals.ts';
import type { Fleet, FleetMember } from './fleet-change.ts';
import type { Interruption, InterruptionReason } from './interruption.ts';
import type { WorkerDescription } from './worker-description.ts';

/** How a run ended. */
export const runStatuses = ['completed', 'interrupted', 'failed'] as const;
export type RunStatus = (typeof runStatuses)[number];

/** A finished epoch. Losses are means in nats, accuracies ratios, times seconds. */
export interface EpochRecord {
  /** Counts from 0; only what people read counts from 1. */
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly samples: number;
  /** Training alone, without the test pass. */
  readonly seconds: number;
  /** Duration of the test pass. */
  readonly evaluateSeconds: number;
  /**
   * Cost of all workers in `seconds`, in USD, each second at the price of its time. Undefined where an older version, which
   * did not record it, trained a part of the epoch.
   */
  readonly usd?: number | undefined;
  /** `--steps` ended the epoch before all its samples were trained on. It was tested nevertheless. */
  readonly cutShort?: true;
}

/** What a worker did in the whole run, through all its lives. */
interface WorkDone {
  /** Why it was no longer in the run when that ended; undefined if it was, and where nobody knows why. */
  readonly left?: InterruptionReason | undefined;
  /** Samples of committed steps. */
  readonly samples: number;
  /** What the ledger has booked, each second at the price of its time. */
  readonly booked: {
    /** Sums to the time alive. */
    readonly seconds: ByCategory;
    readonly usd: ByCategory;
    /** The sum of its rentals, each at the price and by the rule of its time. */
    readonly billedUsd: number;
    /** Every life of the worker's process is a rental. */
    readonly rentals: number;
  };
}

/** A member of the last generation. */
export interface WorkerRecord extends WorkerDescription, WorkDone {
  readonly rank: number;
}

/** A member of an earlier generation that was not in the last one. It has no rank. */
export interface DepartedWorker extends FleetMember, WorkDone {}

/** The state of a run at the end of an epoch's test pass. */
export interface Milestone {
  /** Counts from 0. */
  readonly epoch: number;
  /** Time since the start of the run, including start-up and test passes. */
  readonly runSeconds: number;
  /** Cost of all workers so far. */
  readonly costUsd: number;
}

/** What a run was asked to do and what came of it. The coordinator fills it in, and the summary is made from it. */
export interface RunRecord {
  readonly runId: string;
  readonly version: string;
  readonly startedAtUnixMs: number;
  readonly status: RunStatus;
  /** Why the run did not complete. */
  readonly reason: string | undefined;
  readonly dataset: DatasetInfo;
  readonly model: { readonly name: string; readonly parameters: number };
  /** Samples of a step. */
  readonly globalBatchSize: number;
  /** Updates that each worker makes of its own in a step; 1 where all make each together. */
  readonly localSteps: number;
  readonly seed: number;
  /** Whether it was to come to the same bits with any workers. */
  readonly deterministic?: boolean | undefined;
  /** How gradients were compressed; undefined where they were not. */
  readonly compression?: string | undefined;
  /** What the run was allowed to take; undefined where that was not limited. */
  readonly budget?: Budget | undefined;
  /** Committed steps, their samples and the time they took, including those of an epoch that was cut short. */
  readonly steps: number;
  /** Of these, the steps that were skipped as not finite; none unless given. */
  readonly skippedSteps?: number | undefined;
  readonly samples: number;
  readonly trainSeconds: number;
  /** The part of `trainSeconds` before the run was resumed: the CPU time of that process is unknown. */
  readonly trainSecondsBefore: number;
  readonly epochs: readonly EpochRecord[];
  /** The unfinished epoch, if the run ended in the middle of one. */
  readonly openEpoch: EpochTotals | undefined;
  /** One for each finished epoch. */
  readonly milestones: readonly Milestone[];
  /** The last generation: the fleet of the run. */
  readonly workers: readonly WorkerRecord[];
  readonly departedWorkers?: readonly DepartedWorker[];
  /** One for each generation, in order. */
  readonly fleets: readonly Fleet[];
  /** Those that are over, in the order of their ends. */
  readonly interruptions?: readonly Interruption[];
  /**
   * What was lost of the run's files before it was resumed, in words. Samples, times and epochs are those that are still
   * recorded; `steps` are all.
   */
  readonly gaps: readonly string[];
  /** All workers that are not in `workers`: departed ones, and those that left before training. */
  readonly formerWorkers: { readonly costUsd: number; readonly billedUsd: number; readonly rentals: number };
  /** From the start of the coordinator's process to the first commit; undefined when there was none. */
  readonly secondsToFirstStep: number | undefined;
  /** CPU time of the coordinator's process, all threads together, during training steps. */
  readonly coordinatorCpuSeconds: number;
  /** Undefined when the run ended before the replicas were compared. */
  readonly replicas: { readonly identical: boolean; readonly difference: number } | undefined;
}
