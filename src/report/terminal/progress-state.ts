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
  /** Of the whole run, before it was resumed: no time of this sitting went into them. */
  readonly samplesCarried: number;
  readonly startedAt: number;
  /** So far; undefined when no price was given. */
  readonly costUsd: number | undefined;
  /** What the workers cost together. */
  readonly usdPerHour: number | undefined;
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
  /** What the workers cost together. */
  readonly usdPerHour?: number | undefined;
}

export interface ProgressPlan extends Pick<ProgressState, 'epochs' | 'samplesPerEpoch' | 'totalSamples'> {
  /** Of a run that goes on: the samples it has behind it, and the sums over the epoch it is in the middle of. */
  readonly carried?: {
    readonly samples: number;
    readonly epoch?: Pick<ProgressState, 'epoch' | 'samples' | 'lossSum' | 'correct' | 'seconds'> | undefined;
  };
}

export function beginProgress(plan: ProgressPlan, now: number): ProgressState {
  const { epochs, samplesPerEpoch, totalSamples, carried } = plan;
  const samplesCarried = carried?.samples ?? 0;
  const before = samplesCarried - (carried?.epoch?.samples ?? 0);
  const { epoch, samples, lossSum, correct, seconds } = carried?.epoch ?? {
    epoch: Math.floor(before / samplesPerEpoch),
    samples: 0,
    lossSum: 0,
    correct: 0,
    seconds: 0,
  };
  return {
    epochs,
    samplesPerEpoch,
    totalSamples,
    epoch,
    samples,
    lossSum,
    correct,
    seconds,
    samplesBefore: before,
    samplesCarried,
    startedAt: now,
    costUsd: undefined,
    usdPerHour: undefined,
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
    usdPerHour: step.usdPerHour ?? state.usdPerHour,
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
  const inThisSitting = trained - state.samplesCarried;
  const per = (sum: number, whole: number) => (whole > 0 ? sum / whole : 0);
  return {
    done: Math.min(1, per(state.samples, samplesInEpoch)),
    loss: per(state.lossSum, state.samples),
    accuracy: per(state.correct, state.samples),
    samplesPerSecond: per(state.samples, state.seconds),
    etaSeconds:
      inThisSitting > 0
        ? (Math.max(0, state.totalSamples - trained) * (now - state.startedAt)) / inThisSitting
        : undefined,
  };
}
