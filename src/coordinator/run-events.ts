/** What happens in a run, for whoever watches: the run folder, the metrics, the terminal. Times in seconds. */
import type { Account } from '../economics/ledger/ledger.ts';
import type { EpochRecord, EpochTotals, RunStatus } from '../economics/record/run-record.ts';
import type { WorkerDescription } from '../economics/record/worker-description.ts';
import type { ErrorCode } from '../shared/core/errors.ts';
import type { PhaseSeconds, SpentSeconds } from '../shared/core/phases.ts';
import type { ModelArtifacts, OptimizerState } from '../shared/model/training-state.ts';
import type { GpuReading } from '../shared/protocol/messages.ts';

/** A worker as the run knows it once it is ready. */
export interface MemberInfo extends WorkerDescription {
  readonly rank: number;
  readonly pid: number;
  readonly cpu: string;
  readonly backendReason: string;
  /** Unix time at which the process began, from which its cost counts. */
  readonly aliveSinceUnixMs: number;
}

export interface MemberStep {
  readonly rank: number;
  readonly samples: number;
  /** Where the time between this vote and the one before it went. */
  readonly phases: PhaseSeconds;
}

/** What a member says its time went to since it last said so; heard at `at`, of the run's clock. */
export interface MemberSpent {
  readonly rank: number;
  readonly workerId: string;
  readonly at: number;
  readonly seconds: SpentSeconds;
}

/** A worker's account as it stands. */
export interface LedgerEntry {
  readonly workerId: string;
  /** Undefined for a worker that never trained. */
  readonly rank: number | undefined;
  /** Trained in committed steps. */
  readonly samples: number;
  readonly account: Account;
  /** Unix time from which the account's price holds. */
  readonly priceSinceUnixMs: number;
}

/** Why the accounts are drawn up: `interim` is the clock, so that a run that is killed has lost a second of them. */
export const ledgerCauses = ['begin', 'interim', 'epoch', 'checkpoint', 'end'] as const;
export type LedgerCause = (typeof ledgerCauses)[number];

/** All figures are of the whole run, with what it took before it was resumed. */
export interface LedgerEvent {
  readonly type: 'ledger';
  readonly cause: LedgerCause;
  /** Committed steps. */
  readonly step: number;
  /** The epoch that ended, counted from 0. */
  readonly epoch?: number;
  readonly runSeconds: number;
  /** Of all workers together, as booked. */
  readonly costUsd: number;
  readonly entries: readonly LedgerEntry[];
}

export interface StepEvent {
  readonly type: 'step';
  /** Both count from 0. */
  readonly step: number;
  readonly epoch: number;
  readonly samples: number;
  /** Mean over the step's samples. */
  readonly loss: number;
  readonly correct: number;
  /** From the commit before (or the start of the epoch) to this step's commit. */
  readonly seconds: number;
  /** What all workers cost in that time, as the ledger has it. */
  readonly usd: number;
  readonly members: readonly MemberStep[];
}

/** Losses are means over the samples of the epoch's steps, each seen with the parameters of its step. */
export interface EpochEvent extends EpochRecord {
  readonly type: 'epoch';
}

/** Everything a checkpoint holds, as rank 0 sent it. */
export interface Checkpoint {
  readonly step: number;
  readonly epoch: number;
  /** Samples of the epoch that were applied: where a resumed run goes on. */
  readonly cursor: number;
  readonly parameters: Float32Array;
  readonly artifacts: ModelArtifacts;
  readonly optimizerState: OptimizerState;
}

export type RunEvent =
  /** The run is one that goes on: what it has behind it. */
  | {
      readonly type: 'resumed';
      readonly step: number;
      readonly samples: number;
      /** Of the epoch it is in the middle of. */
      readonly epoch: EpochTotals | undefined;
    }
  | { readonly type: 'listening'; readonly endpoint: string }
  | { readonly type: 'worker-joined'; readonly workerId: string; readonly host: string; readonly pid: number }
  /** Its process began at `at`, of the run's clock: its cost counts from there. */
  | {
      readonly type: 'worker-began';
      readonly workerId: string;
      readonly at: number;
      readonly priceUsdPerHour: number | undefined;
      /** The label that the worker was given, which says who bills it. */
      readonly gpu?: string | undefined;
    }
  /** Its process is gone. */
  | { readonly type: 'worker-ended'; readonly workerId: string }
  | {
      readonly type: 'worker-ready';
      readonly workerId: string;
      readonly backend: string;
      readonly device: string;
    }
  | { readonly type: 'worker-refused'; readonly workerId: string; readonly reason: string }
  | {
      readonly type: 'worker-heard';
      readonly workerId: string;
      readonly unixMs: number;
      /** What its GPU reported last. */
      readonly gpu?: GpuReading;
    }
  | {
      readonly type: 'generation';
      readonly members: readonly MemberInfo[];
      readonly parameterCount: number;
      readonly reason: string;
    }
  | { readonly type: 'worker-lost'; readonly workerId: string; readonly reason: string }
  | { readonly type: 'frame-rejected'; readonly reason: string; readonly detail: string }
  | { readonly type: 'bytes'; readonly direction: 'sent' | 'received'; readonly bytes: number }
  | { readonly type: 'epoch-begun'; readonly epoch: number }
  | StepEvent
  | {
      readonly type: 'shares';
      /** The first step that has them. */
      readonly step: number;
      /** Samples of a full global batch, by rank. */
      readonly shares: readonly number[];
      readonly reason: string;
    }
  | {
      readonly type: 'spent';
      readonly members: readonly MemberSpent[];
      /** In a step that was trained before, and lost. */
      readonly redone: boolean;
    }
  | EpochEvent
  | LedgerEvent
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly type: 'predictions'; readonly probabilities: Float32Array; readonly count: number }
  /** Nothing more is trained; workers are told to leave. What comes after is their last accounts. */
  | { readonly type: 'ended'; readonly status: RunStatus; readonly code: ErrorCode | undefined };

export type RunObserver = (event: RunEvent) => void;
