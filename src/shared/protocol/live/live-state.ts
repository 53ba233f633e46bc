import type { BudgetBasis } from '../../core/budget-basis.ts';

/**
 * What the live page shows of a run: plain JSON, made by the coordinator and drawn by the browser. Times are in seconds,
 * losses in nats, accuracies and shares are ratios. Epochs and steps count from 1; 0 means none yet.
 */
export interface LiveState {
  readonly run: LiveRun;
  readonly stage: LiveStage;
  readonly progress: LiveProgress;
  /** Absent when no worker has a price. */
  readonly cost?: LiveCost;
  /** Absent when none was set. */
  readonly budget?: LiveBudget;
  readonly workers: readonly LiveWorker[];
  readonly curve: LiveCurve;
  readonly epochs: readonly LiveEpoch[];
  /** The latest entries, oldest first. */
  readonly log: readonly LogEntry[];
}

/** The settings of the run, which do not change. */
export interface LiveRun {
  readonly runId: string;
  readonly version: string;
  readonly dataset: string;
  readonly model: string;
  readonly optimizer: string;
  readonly globalBatchSize: number;
  readonly seed: number;
  readonly worldSize: number;
  readonly epochs: number;
  readonly totalSteps: number;
  readonly startedAtUnixMs: number;
}

/** What the run is doing, or how it ended. `reason` says why it ended early. */
export interface LiveStage {
  readonly name: 'waiting' | 'training' | 'testing' | 'completed' | 'interrupted' | 'failed';
  readonly reason?: string;
}

export interface LiveProgress {
  readonly epoch: number;
  readonly step: number;
  /** Since the coordinator's process began. */
  readonly elapsedSeconds: number;
  /** Time to the end of training at its present pace, test passes included; absent before the first step. */
  readonly etaSeconds?: number;
  /** This and the next two are means over the epoch so far. */
  readonly samplesPerSecond?: number;
  readonly loss?: number;
  readonly accuracy?: number;
}

export interface LiveCost {
  /** Accrued so far by all workers, according to the ledger. */
  readonly usd: number;
  /** All workers that are alive; once the run has ended, those that were. */
  readonly usdPerHour: number;
  /** Cost of the last whole epoch without its test pass. */
  readonly lastEpochUsd?: number;
  /** What providers would bill if the run ended now. */
  readonly billedUsd?: number;
  /** Accrued by the whole run, if it goes on at its present pace; absent while that is not known. */
  readonly projectedUsd?: number;
}

export interface LiveBudget {
  /** `--budget-usd`; absent when only the hours are limited. */
  readonly usd?: number;
  /** What `usd` limits. */
  readonly basis: BudgetBasis;
  /** Until the first budget ends the run, at the present pace; absent when that is never, and once the run has ended. */
  readonly secondsLeft?: number;
}

/** The phases of a step that the page shows. `compute` includes the optimizer's update. */
export const shownPhases = ['compute', 'communicate', 'wait', 'load'] as const;
export type ShownPhase = (typeof shownPhases)[number];

export interface LiveWorker {
  readonly workerId: string;
  readonly status: 'joined' | 'ready' | 'training' | 'lost' | 'done';
  readonly host: string;
  readonly backend?: string;
  readonly device?: string;
  readonly priceUsdPerHour?: number;
  /** Set if nobody gave that price: what it is assumed from. */
  readonly priceAssumed?: string;
  /** Accrued so far. */
  readonly costUsd?: number;
  /** Fraction of the last step's samples. */
  readonly share?: number;
  /** Set while it is a straggler: what a sample takes it, over what it takes the others. */
  readonly stragglerSlowdown?: number;
  /** Fraction of the time in which the worker's GPU ran a kernel. */
  readonly gpuUtilization?: number;
  /** Fractions of the time of recent steps; absent before the first step. */
  readonly phases?: Readonly<Record<ShownPhase, number>>;
}

/** The run so far in a bounded number of points. Each covers `stepsPerPoint` steps; the last may have fewer. */
export interface LiveCurve {
  readonly stepsPerPoint: number;
  readonly points: readonly CurvePoint[];
}

/** Sums over consecutive steps. */
export interface CurvePoint {
  /** The last of these steps. */
  readonly step: number;
  readonly samples: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly seconds: number;
}

export interface LiveEpoch {
  readonly epoch: number;
  /** The last step of the epoch. */
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly seconds: number;
  readonly samplesPerSecond: number;
  readonly costUsd?: number;
  /** `--steps` ended the epoch before all its samples were trained on. */
  readonly cutShort?: true;
}

export interface LogEntry {
  /** Consecutive numbers. The oldest entries are dropped, so the first id need not be 1. */
  readonly id: number;
  readonly unixMs: number;
  readonly level: 'info' | 'good' | 'bad';
  readonly text: string;
}
