/**
 * What the live page shows of a run: plain JSON, made by the coordinator and drawn by the browser. Times in seconds,
 * losses in nats, accuracies and shares as ratios. Epochs and steps count from 1, 0 meaning none yet.
 */
export interface LiveState {
  readonly run: LiveRun;
  readonly stage: LiveStage;
  readonly progress: LiveProgress;
  /** Absent when no worker has a price. */
  readonly cost?: LiveCost;
  /** Most to spend on the run, in USD; absent when nobody set a limit. */
  readonly budgetUsd?: number;
  readonly workers: readonly LiveWorker[];
  readonly curve: LiveCurve;
  readonly epochs: readonly LiveEpoch[];
  /** The last entries, oldest first. */
  readonly log: readonly LogEntry[];
}

/** What was asked for; stays as it is. */
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

/** Where the run is in its life; `reason` says why it ended early. */
export interface LiveStage {
  readonly name: 'waiting' | 'training' | 'testing' | 'completed' | 'interrupted' | 'failed';
  readonly reason?: string;
}

export interface LiveProgress {
  readonly epoch: number;
  readonly step: number;
  /** Since the coordinator's process began. */
  readonly elapsedSeconds: number;
  /** To the end of training; absent before the first step. */
  readonly etaSeconds?: number;
  /** Of the epoch so far, as are the next two. */
  readonly samplesPerSecond?: number;
  readonly loss?: number;
  readonly accuracy?: number;
}

export interface LiveCost {
  /** Accrued so far by all workers, as the ledger has it. */
  readonly usd: number;
  readonly usdPerHour: number;
  /** Of the last whole epoch, without its test pass. */
  readonly lastEpochUsd?: number;
}

/** What the page shows of a worker's time. Computing includes the optimizer's update. */
export const shownPhases = ['compute', 'communicate', 'wait', 'load'] as const;
export type ShownPhase = (typeof shownPhases)[number];

export interface LiveWorker {
  readonly workerId: string;
  readonly status: 'joined' | 'ready' | 'training' | 'lost' | 'done';
  readonly host: string;
  readonly backend?: string;
  readonly device?: string;
  readonly priceUsdPerHour?: number;
  /** Accrued so far. */
  readonly costUsd?: number;
  /** Of the last step's samples. */
  readonly share?: number;
  /** Share of the time in which its GPU ran a kernel. */
  readonly gpuUtilization?: number;
  /** Ratios of the time of recent steps; absent before the first. */
  readonly phases?: Readonly<Record<ShownPhase, number>>;
}

/** The run so far in a bounded number of points, each the mean over as many steps; the last may have fewer. */
export interface LiveCurve {
  readonly stepsPerPoint: number;
  readonly points: readonly CurvePoint[];
}

/** Sums over consecutive steps. */
export interface CurvePoint {
  /** The last of them. */
  readonly step: number;
  readonly samples: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly seconds: number;
}

export interface LiveEpoch {
  readonly epoch: number;
  /** At its end. */
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly seconds: number;
  readonly samplesPerSecond: number;
  readonly costUsd?: number;
  /** `--steps` ended it before its samples were through. */
  readonly cutShort?: true;
}

export interface LogEntry {
  /** Counts up; entries that were dropped leave a gap at the beginning. */
  readonly id: number;
  readonly unixMs: number;
  readonly level: 'info' | 'good' | 'bad';
  readonly text: string;
}
