/** What happens in a run, for whoever watches: the run folder, the metrics, the terminal. Times in seconds. */
import type { ErrorCode } from '../shared/core/errors.ts';
import type { PhaseSeconds } from '../shared/core/phases.ts';
import type { ModelArtifacts, OptimizerState } from '../shared/engine/engine.ts';
import type { GpuReading } from '../shared/protocol/messages.ts';
import type { EpochRecord, RunStatus } from '../shared/report/run-record.ts';

/** A worker as the run knows it once it is ready. */
export interface MemberInfo {
  readonly workerId: string;
  readonly rank: number;
  readonly host: string;
  readonly pid: number;
  readonly cpu: string;
  readonly backend: string;
  readonly device: string;
  readonly backendReason: string;
  readonly priceUsdPerHour: number | undefined;
  /** Unix time at which the process began, from which its cost counts. */
  readonly aliveSinceUnixMs: number;
}

export interface MemberStep {
  readonly rank: number;
  readonly samples: number;
  /** Where the time between this vote and the one before it went. */
  readonly phases: PhaseSeconds;
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
  | { readonly type: 'listening'; readonly endpoint: string }
  | { readonly type: 'worker-joined'; readonly workerId: string; readonly host: string; readonly pid: number }
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
  | EpochEvent
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly type: 'predictions'; readonly probabilities: Float32Array; readonly count: number }
  /** The run is over, however it ended; nothing comes after. */
  | { readonly type: 'ended'; readonly status: RunStatus; readonly code?: ErrorCode | undefined };

export type RunObserver = (event: RunEvent) => void;
