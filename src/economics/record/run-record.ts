import type { DatasetInfo } from '../../shared/data/dataset.ts';
import type { ByCategory } from '../ledger/ledger.ts';
import type { EpochTotals } from './epoch-totals.ts';
import type { Fleet } from './fleet-change.ts';
import type { WorkerDescription } from './worker-description.ts';

/** How a run ended. */
export const runStatuses = ['completed', 'interrupted', 'failed'] as const;
export type RunStatus = (typeof runStatuses)[number];

/** A finished epoch. Losses are means in nats, accuracies ratios, times seconds. */
export interface EpochRecord {
  /** Counts from 0, as everywhere but in what people read. */
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly samples: number;
  /** Training alone. */
  readonly seconds: number;
  /** The test pass after it. */
  readonly evaluateSeconds: number;
  /**
   * What all workers cost in `seconds`, each at the price of its time, in USD. Undefined where an older version trained
   * some of it, and did not write that down.
   */
  readonly usd?: number | undefined;
  /** `--steps` ended it before its samples were through; it was tested all the same. */
  readonly cutShort?: true;
}

/** What one worker did in the whole run. */
export interface WorkerRecord extends WorkerDescription {
  readonly rank: number;
  /** Samples of committed steps. */
  readonly samples: number;
  /** What the ledger has booked, each second at the price of its time. */
  readonly booked: {
    /** They sum to the time alive. */
    readonly seconds: ByCategory;
    readonly usd: ByCategory;
    /** Each life of its process by itself, by the rule and the price of its time. */
    readonly billedUsd: number;
    /** Lives of its process. */
    readonly rentals: number;
  };
}

/** How far a run had come when an epoch's test pass was done. */
export interface Milestone {
  /** Counts from 0. */
  readonly epoch: number;
  /** Of the run, start-up and test passes included. */
  readonly runSeconds: number;
  /** Of all workers. */
  readonly costUsd: number;
}

/** What a run was told and what came of it: plain data that the coordinator fills in and the summary is made from. */
export interface RunRecord {
  readonly runId: string;
  readonly version: string;
  readonly startedAtUnixMs: number;
  readonly status: RunStatus;
  /** Why the run did not complete. */
  readonly reason: string | undefined;
  readonly dataset: DatasetInfo;
  readonly model: { readonly name: string; readonly parameters: number };
  readonly globalBatchSize: number;
  readonly seed: number;
  /** Committed steps, the samples in them and the seconds they took; an epoch that was cut short counts too. */
  readonly steps: number;
  readonly samples: number;
  readonly trainSeconds: number;
  /** Of them, what was before the run was resumed: nobody knows that process's CPU time. */
  readonly trainSecondsBefore: number;
  readonly epochs: readonly EpochRecord[];
  /** The epoch that the run ended in. */
  readonly openEpoch: EpochTotals | undefined;
  /** One an epoch. */
  readonly milestones: readonly Milestone[];
  readonly workers: readonly WorkerRecord[];
  /** Who trained, one a sitting. */
  readonly fleets: readonly Fleet[];
  /** Of workers that are not in the run any more: they left before training, or the run was resumed without them. */
  readonly formerWorkers: { readonly costUsd: number; readonly billedUsd: number; readonly rentals: number };
  /** From the start of the coordinator's process to the first commit; undefined when there was none. */
  readonly secondsToFirstStep: number | undefined;
  /** CPU time of the coordinator's process, all threads together, while steps were trained. */
  readonly coordinatorCpuSeconds: number;
  /** Undefined when the run ended before the replicas were compared. */
  readonly replicas: { readonly identical: boolean; readonly difference: number } | undefined;
}
