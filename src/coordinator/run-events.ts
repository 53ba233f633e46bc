/**
 * What happens in a run, for whoever watches: the run folder, the metrics, the terminal. Times in seconds. Workers are
 * named by their ids: ranks hold only within a generation, and only its members have one.
 */

import type { BillingRule } from '../economics/ledger/cost.ts';
import type { Account } from '../economics/ledger/ledger.ts';
import type { EpochTotals } from '../economics/record/epoch-totals.ts';
import type { Interruption, LossCause } from '../economics/record/interruption.ts';
import type { EpochRecord, Milestone, RunStatus } from '../economics/record/run-record.ts';
import type { WorkerDescription } from '../economics/record/worker-description.ts';
import type { LedgerCause } from '../run-folder/ledger-line.ts';
import type { AllReduceName } from '../shared/collectives/registry.ts';
import type { ErrorCode } from '../shared/core/errors.ts';
import type { PhaseSeconds, SpentSeconds } from '../shared/core/phases.ts';
import type { Interval } from '../shared/core/sampling.ts';
import type { Checkpoint } from '../shared/model/training-state.ts';
import type { GpuReading } from '../shared/protocol/messages.ts';
import type { DecidingLink } from './generation/modelled-choice.ts';

/** A worker as it presents itself when it joins. */
export interface WorkerInfo extends Omit<WorkerDescription, 'backend' | 'device'> {
  readonly pid: number;
  /** Architecture and model of its host's CPU. */
  readonly cpu: string;
  /** Unix time at which the process began, from which its cost counts. */
  readonly aliveSinceUnixMs: number;
}

/** A worker as a member of a generation. */
export interface MemberInfo extends WorkerInfo, WorkerDescription {
  readonly rank: number;
  readonly backendReason: string;
}

export interface MemberStep {
  readonly workerId: string;
  readonly samples: number;
  /** Where the time between this vote and the one before it went. */
  readonly phases: PhaseSeconds;
}

/** What a member took of a step: the positions `[from, to)` of the epoch's sample order. */
export interface MemberInterval extends Interval {
  readonly workerId: string;
}

/** What a member has used since it last said so; heard at `at`, on the run's clock. */
export interface MemberSpent {
  readonly workerId: string;
  readonly at: number;
  readonly seconds: SpentSeconds;
  /** Bytes of gradients that its all-reduce exchanged. */
  readonly bytes: { readonly sent: number; readonly received: number };
}

export interface MemberShare {
  readonly workerId: string;
  /** Samples of a full global batch. */
  readonly samples: number;
}

export interface MemberSlowdown {
  readonly workerId: string;
  /** The time that a sample takes it, over what it takes the others (their median). */
  readonly slowdown: number;
  readonly isStraggler: boolean;
}

/** A worker's account as it stands. */
export interface LedgerEntry {
  readonly workerId: string;
  /** Undefined for a worker that never trained. */
  readonly rank: number | undefined;
  /** Trained in committed steps. */
  readonly samples: number;
  readonly account: Account;
  /** The present price was assumed. */
  readonly priceAssumed?: true | undefined;
  /** The label of its card, which says who bills it. */
  readonly gpu?: string | undefined;
  /** What its engine computes on; undefined until it is ready. */
  readonly device?: string | undefined;
  /** Unix time from which the account's present price holds. */
  readonly priceSinceUnixMs: number;
  /** By which its present or last rental is billed; undefined if that ended before the run was resumed. */
  readonly billing?: BillingRule | undefined;
}

/** The accounts of all workers. Figures cover the whole run, including what it took before it was resumed. */
export interface LedgerEvent {
  readonly type: 'ledger';
  /** When, on the run's clock. */
  readonly at: number;
  readonly cause: LedgerCause;
  /** Committed steps. */
  readonly step: number;
  /** The epoch that ended, counted from 0. */
  readonly epoch?: number;
  readonly runSeconds: number;
  /** All workers together, as booked. */
  readonly costUsd: number;
  readonly entries: readonly LedgerEntry[];
}

export interface StepEvent {
  readonly type: 'step';
  /** Both count from 0. */
  readonly step: number;
  readonly epoch: number;
  readonly samples: number;
  /** Mean over the step's samples; NaN where it was skipped. */
  readonly loss: number;
  readonly correct: number;
  /** From the commit before (or the start of the epoch) to this step's commit. */
  readonly seconds: number;
  /** What all workers cost in that time, by the ledger. */
  readonly usd: number;
  /** Euclidean norm of the mean gradient over the step's samples; on the steps at which it is computed. */
  readonly gradientNorm?: number | undefined;
  /** The members that reported their time. */
  readonly members: readonly MemberStep[];
  /** The positions of every member, as they were assigned and as its vote confirmed. */
  readonly shares: readonly MemberInterval[];
  /** Set on a step that an earlier generation committed, and that its coordinator had not on record. */
  readonly generation?: number | undefined;
  /** Set on a step that no replica applied, because it was not finite: whose part, and on which samples. */
  readonly skipped?: string | undefined;
}

/** Losses are means over the epoch's samples, each computed with the parameters of its own step. */
export interface EpochEvent extends EpochRecord {
  readonly type: 'epoch';
}

/** What a run had done up to a step, by its record. */
export interface RecordedRun {
  readonly step: number;
  /** The generation that committed the step; 0 where that is not known. */
  readonly generation: number;
  /** Samples of all steps up to this one, recorded or not. */
  readonly samplesBefore: number;
  /** Samples and seconds of the steps that are on record. */
  readonly samples: number;
  readonly trainSeconds: number;
  /** Of these steps, those that were skipped as not finite. */
  readonly skippedSteps: number;
  /** How many of the last steps up to this one were skipped, one after another. */
  readonly skippedInRow: number;
  readonly epochs: readonly EpochRecord[];
  readonly milestones: readonly Milestone[];
  /** The epoch that was begun and not tested. */
  readonly openEpoch: EpochTotals | undefined;
  /** Samples that each worker has trained; undefined where the record does not tell. */
  readonly samplesByWorker: ReadonlyMap<string, number> | undefined;
  /** `metrics.jsonl` without what came after the step. */
  readonly keptMetrics: string;
}

/** How far a run had come when a coordinator of it was lost. */
export interface CutOff {
  /** When it last booked, on this process's clock. */
  readonly at: number;
  /** Committed steps. */
  readonly steps: number;
  /** Those of them that were lost; undefined for the last coordinator, while it is not known what workers have. */
  readonly lostSteps: number | undefined;
  /** What was booked as wasted or idle between then and the next cut-off, which the last coordinator has not. */
  readonly wasted: { readonly seconds: number; readonly usd: number };
}

export type RunEvent =
  /** The run was resumed: what it had done before. */
  | {
      readonly type: 'resumed';
      readonly step: number;
      readonly samples: number;
      /** The epoch that was begun and not tested. */
      readonly epoch: EpochTotals | undefined;
      /** Coordinators that ended without a word while the run trained, and from which it has not recovered: in order. */
      readonly cutOffs?: readonly CutOff[] | undefined;
    }
  /** The workers have shown from which step training goes on. Theirs may be later than the checkpoint that was resumed. */
  | { readonly type: 'went-on'; readonly step: number; readonly record: RecordedRun }
  | { readonly type: 'listening'; readonly endpoint: string }
  | { readonly type: 'worker-joined'; readonly workerId: string; readonly host: string; readonly pid: number }
  /** It is ready, and its cost counts: from `at` on the run's clock, when its process began as far as that is believed. */
  | {
      readonly type: 'worker-began';
      readonly workerId: string;
      readonly at: number;
      /** Set on a worker that has been a member before, and has missed its coordinator since. */
      readonly returns?: true | undefined;
      readonly priceUsdPerHour: number | undefined;
      /** What the price was assumed from, if nobody gave one. */
      readonly priceAssumed?: string | undefined;
      /** The label of its card, which says who bills it. */
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
      readonly gpu?: GpuReading | undefined;
    }
  | {
      readonly type: 'generation';
      /** Counts from 1, and goes on where an earlier sitting of the run stopped. */
      readonly number: number;
      readonly members: readonly MemberInfo[];
      readonly parameterCount: number;
      readonly reason: string;
    }
  /** How gradients are summed from now on, where there was a choice. Told when the reason changes. */
  | {
      readonly type: 'all-reduce';
      readonly allReduce: AllReduceName;
      readonly reason: string;
      /** By which links it was chosen, where a model did. */
      readonly link?: DecidingLink | undefined;
    }
  /** Its replica differed from most of its kind before this step, and gets their state. */
  | { readonly type: 'healed'; readonly workerId: string; readonly step: number }
  /** The run has begun, lacks workers and waits for them, for so many seconds at most. Told when the reason changes. */
  | { readonly type: 'waiting'; readonly reason: string; readonly seconds: number }
  /** Nobody has these steps any more: training goes on from the last checkpoint, at `step`. */
  | { readonly type: 'rolled-back'; readonly step: number; readonly lostSteps: number }
  | { readonly type: 'worker-lost'; readonly workerId: string; readonly reason: string; readonly cause: LossCause }
  /** Its machine will be taken away in so many seconds, and it is told to leave. */
  | { readonly type: 'worker-preempted'; readonly workerId: string; readonly seconds: number }
  /** It wants to leave, and finishes the step in flight first. */
  | { readonly type: 'worker-draining'; readonly workerId: string; readonly reason: string }
  /** It has left as it wanted to, or as a straggler was told to: nothing of its work is lost. */
  | {
      readonly type: 'worker-drained';
      readonly workerId: string;
      readonly reason: string;
      /** Set on a straggler that the run dropped. */
      readonly dropped?: true | undefined;
    }
  /** How the members' speeds compare, over the window in which stragglers are looked for. Told every second or longer step. */
  | { readonly type: 'slowdowns'; readonly members: readonly MemberSlowdown[] }
  /** It has become a straggler, or is none any more. */
  | {
      readonly type: 'straggler';
      readonly workerId: string;
      readonly isOne: boolean;
      readonly slowdown: number;
      readonly reason: string;
    }
  /** It is slower than `--drop-stragglers` puts up with, and should be let go. Told again at each span until it is, the slowest first. */
  | { readonly type: 'straggler-overdue'; readonly workerId: string; readonly reason: string }
  /** `--drop-stragglers` would drop it, but the run needs it. Told once. */
  | { readonly type: 'straggler-kept'; readonly workerId: string; readonly reason: string }
  /** The coordinator's process did not run for so many seconds, long enough to take others for lost. */
  | { readonly type: 'stood-still'; readonly seconds: number }
  /** A second has passed. */
  | { readonly type: 'tick' }
  | { readonly type: 'frame-rejected'; readonly reason: string; readonly detail: string }
  | { readonly type: 'epoch-begun'; readonly epoch: number }
  | StepEvent
  | {
      readonly type: 'shares';
      /** The first step that uses them. */
      readonly step: number;
      /** In rank order. */
      readonly shares: readonly MemberShare[];
      readonly reason: string;
    }
  | {
      readonly type: 'spent';
      readonly members: readonly MemberSpent[];
      /** True for work that came to nothing: a step trained again because its first result was lost, or one that was skipped. */
      readonly redone: boolean;
      /** Set for steps that were trained before something else was known: nobody trains again yet. */
      readonly late?: true | undefined;
    }
  | EpochEvent
  | LedgerEvent
  /** An interruption is over, and its cost is known. */
  | { readonly type: 'interruption'; readonly interruption: Interruption }
  /** Training goes on from here. The state is taken, which held it up for so many seconds, and will now be written. */
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint; readonly seconds: number }
  /** The checkpoint is on the disk: what it took, from the request for the state to the last file, and when that was. */
  | { readonly type: 'checkpoint-saved'; readonly step: number; readonly seconds: number; readonly unixMs: number }
  /** It could not be written. The ones before stay, and the next one is tried. */
  | { readonly type: 'checkpoint-failed'; readonly step: number; readonly reason: string }
  /** A file that grows line by line cannot be written. Its lines wait in memory. */
  | { readonly type: 'lines-waiting'; readonly reason: string }
  /** What waited is written, but for so many bytes that were dropped because too many waited. */
  | { readonly type: 'lines-written'; readonly lostBytes: number }
  | { readonly type: 'predictions'; readonly probabilities: Float32Array; readonly count: number }
  /** Training is over; workers are told to leave. Only their last accounts come after this. */
  | { readonly type: 'ended'; readonly status: RunStatus; readonly code: ErrorCode | undefined };

export type RunObserver = (event: RunEvent) => void;
