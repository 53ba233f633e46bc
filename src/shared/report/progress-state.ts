/** How far a run is, counted step by step. Times are in seconds of the caller's clock. */
export interface ProgressState {
  readonly epochs: number;
  /** Training samples an epoch. */
  readonly samplesPerEpoch: number;
  /** Training samples of the whole run: fewer than `epochs × samplesPerEpoch` when `--steps` ends it early. */
  readonly totalSamples: number;
  /** Counts from 0. */
  readonly epoch: number;
  /** Of this epoch. */
  readonly samples: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly seconds: number;
  /** Of the epochs before this one. */
  readonly samplesBefore: number;
  readonly startedAt: number;
  /** So far; undefined when no price was given. */
  readonly costUsd: number | undefined;
}

/** A committed step. */
export interface ProgressStep {
  /** Counts from 0. */
  readonly epoch: number;
  readonly samples: number;
  /** Mean over the step's samples. */
  readonly loss: number;
  readonly correct: number;
  readonly seconds: number;
  /** Cost of the run so far; left out when no price was given. */
  readonly costUsd?: number | undefined;
}

export type ProgressPlan = Pick<ProgressState, 'epochs' | 'samplesPerEpoch' | 'totalSamples'>;

export function beginProgress(plan: ProgressPlan, now: number): ProgressState {
  const { epochs, samplesPerEpoch, totalSamples } = plan;
  return {
    ...{ epochs, samplesPerEpoch, totalSamples },
    ...{ epoch: 0, samples: 0, lossSum: 0, correct: 0, seconds: 0, samplesBefore: 0 },
    ...{ startedAt: now, costUsd: undefined },
  };
}

export function advanceProgress(state: ProgressState, step: ProgressStep): ProgressState {
  const sameEpoch = step.epoch === state.epoch;
  const before = sameEpoch ? state : { ...state, samples: 0, lossSum: 0, correct: 0, seconds: 0 };
  return {
    ...before,
    epoch: step.epoch,
    samples: before.samples + step.samples,
    lossSum: before.lossSum + step.loss * step.samples,
    correct: before.correct + step.correct,
    seconds: before.seconds + step.seconds,
    samplesBefore: sameEpoch ? state.samplesBefore : state.samplesBefore + state.samples,
    costUsd: step.costUsd ?? state.costUsd,
  };
}

/** What the state amounts to. Loss, accuracy and speed are those of the epoch so far. */
export interface ProgressFigures {
  /** Of the epoch's samples, 0 to 1. */
  readonly done: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly samplesPerSecond: number;
  /** To the end of the run at the pace since its start, test passes included; undefined before the first step. */
  readonly etaSeconds: number | undefined;
}

export function progressFigures(state: ProgressState, now: number): ProgressFigures {
  const samplesInEpoch = Math.min(state.samplesPerEpoch, state.totalSamples - state.samplesBefore);
  const trained = state.samplesBefore + state.samples;
  const per = (sum: number, whole: number) => (whole > 0 ? sum / whole : 0);
  return {
    done: Math.min(1, per(state.samples, samplesInEpoch)),
    loss: per(state.lossSum, state.samples),
    accuracy: per(state.correct, state.samples),
    samplesPerSecond: per(state.samples, state.seconds),
    etaSeconds:
      trained > 0 ? (Math.max(0, state.totalSamples - trained) * (now - state.startedAt)) / trained : undefined,
  };
}
